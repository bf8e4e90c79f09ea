#!/usr/bin/env bash
# Makes the release twice and proves what it promises. Run it before a release; CI does not. Needs root, for chroot.
#
#   tools/check_release.sh [JDK]        JDK: that the image's Java is made of (default: Maven's)
#
# 1. Both builds have the same bytes, and the checksum is right.
# 2. On a system with nothing but glibc, bash, dirname, env, nproc and rm, without a network: --version, doctor and the quickstart run;
#    the first iteration comes within 5 s of the program's start. Java's warnings are not shown.
# 3. A user who cannot write to the installation can run it.
# 4. bash completes commands and flags.
# 5. The version is the same everywhere.
set -euo pipefail
cd "$(dirname "$0")/.."
version="$(sed -nE '/<artifactId>tanuki4j</,/<\/version>/s/.*<version>(.*)<\/version>.*/\1/p' pom.xml)"
name="tanuki4j-$version-linux-x86_64"
work="$(mktemp -d)"
trap 'umount -q "$work/system/proc" 2>/dev/null || true; rm -rf "$work"' EXIT
say() { printf '\n== %s\n' "$*"; }
die() { echo "check_release: $*" >&2 && exit 1; }
build() { mvn -B -q clean package -Prelease -Dmaven.test.skip ${1:+"-Drelease.jdk=$1"}; }

say "two builds"
if [ -z "${BUILT:-}" ]; then # BUILT=1: check what is in target
  build "${1:-}"
  cp "target/$name.tar.gz" "$work/first.tar.gz"
  build "${1:-}"
  cmp "$work/first.tar.gz" "target/$name.tar.gz" || die "two builds differ"
  echo "the same bytes"
  ls target/tanuki4j-"$version"-{sources,javadoc}.jar
fi
(cd target && sha256sum -c "$name.tar.gz.sha256")

say "a bare system"
system="$work/system"
mkdir -p "$system"/{bin,usr/bin,proc,dev,tmp,home,opt,lib64,lib/x86_64-linux-gnu}
chmod 1777 "$system/tmp"
install -d -o 1000 -g 1000 "$system/home/user"
cp /bin/bash "$system/bin/"
cp /usr/bin/{dirname,env,nproc,rm} "$system/usr/bin/"
ln -s bash "$system/bin/sh"
cp -L /lib64/ld-linux-x86-64.so.2 "$system/lib64/"
for library in libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libtinfo.so.6; do # libtinfo is bash's
  cp -L "/lib/x86_64-linux-gnu/$library" "$system/lib/x86_64-linux-gnu/"
done
ln -s /proc/self/fd "$system/dev/fd"
for device in null zero random urandom; do cp -a "/dev/$device" "$system/dev/"; done
# Japanese words need glibc's locale of UTF-8.
mkdir -p "$system/usr/lib/locale"
cp -r /usr/lib/locale/C.utf8 "$system/usr/lib/locale/"
tar -C "$system/opt" -xzf "target/$name.tar.gz"
echo "files outside of the release: $(cd "$system" && find . -type f -not -path './opt/*' | tr '\n' ' ')"
echo "newest symbol of glibc that a file needs: $(find "$system/opt" -name '*.so*' -type f -exec objdump -T {} + 2>/dev/null |
  grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -n 1), of those in the jars: $(
  mkdir "$work/so"
  for jar in "$system/opt/$name"/lib/*.jar; do unzip -q -o "$jar" '*linux*x86*64*.so*' '*linux/amd64*.so*' -d "$work/so" 2>/dev/null || true; done
  find "$work/so" -name '*.so*' -exec objdump -T {} + 2>/dev/null | grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -n 1)"
mount -t proc proc "$system/proc"
bare() { HOME=/home/user unshare -n chroot "${user[@]}" "$system" /bin/bash -c "cd /opt/$name && $1"; }
user=(--userspec=0:0)
export -n JAVA_HOME
bare 'type java' >/dev/null 2>&1 && die "there is a Java"
bare 'scripts/tanuki4j --version' >"$work/out" 2>"$work/err" || { cat "$work/err" && die "--version fails"; }
cat "$work/out" "$work/err"
[ "$(cat "$work/out")" = "tanuki4j $version" ] && [ ! -s "$work/err" ] || die "--version: not these words"
bare 'scripts/tanuki4j doctor' 2>&1 | grep -vE 'not found in'

say "the quickstart"
code=0
bare 'scripts/quickstart.sh --log-interval 1 --train-iters 12 --lr-warmup-iters 2 --eval-interval 12 --save-interval 12' 2>&1 |
  while IFS= read -r line; do printf '%s %s\n' "$EPOCHREALTIME" "$line"; done >"$work/quickstart" || code=$?
grep -E '== |iteration +(1|12)/|validation loss|WARN' "$work/quickstart" | cut -c1-150
tail -n 2 "$work/quickstart"
[ "$code" = 0 ] || die "quickstart: exit code $code"
! grep -q 'WARNING' "$work/quickstart" || die "a warning reaches the user"
awk '/== Training/ {start = $1} /iteration +1\// {printf "from the start of the program to its first iteration: %.1f s\n", $1 - start; exit $1 - start > 5}' \
  "$work/quickstart" || die "more than 5 s"

say "a user who cannot write there"
user=(--userspec=1000:1000)
rm -r "$system/home/user" # with the caches of the other user
install -d -o 1000 -g 1000 "$system/home/user"
bare 'scripts/tanuki4j --version && scripts/tanuki4j generate --load checkpoints/quickstart --prompt "It was" --max-new-tokens 5' 2>&1 | tail -n 2
umount "$system/proc"

say "completion"
complete_words() { # words… → what bash offers for the last one
  bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
    _complete_tanuki4j 2>/dev/null; printf "%s " "${COMPREPLY[@]}"; echo' bash "$system/opt/$name/scripts/tanuki4j.bash-completion" "$@"
}
complete_words tanuki4j pre | tee "$work/words"
grep -qw pretrain "$work/words" || die "no command is completed"
complete_words tanuki4j pretrain --tensor | tee "$work/words"
grep -qw -- --tensor-model-parallel-size "$work/words" || die "no flag is completed"

say "the version"
(cd "$system/opt/$name" && grep -oP '\]\(\K[^)]*' README.md | xargs ls -d >/dev/null) || die "README.md: a link leads nowhere"
grep -m 1 "^## " "$system/opt/$name/CHANGELOG.md" | grep -qF "## $version " || die "CHANGELOG.md: its newest entry is not $version"
echo "$version in pom.xml, CHANGELOG.md, --version and the archive's name"
