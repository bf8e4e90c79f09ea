#!/usr/bin/env bash
# Makes target/tanuki4j-VERSION-linux-x86_64.tar.gz and its .sha256 of what Maven has put into target. It is called by
#   mvn -B -Prelease package
# with the version, the time that all files get (so that the same sources and the same JDK give the same bytes), and the JDK.
#
# Java 19 or later starts faster: an archive of parsed classes may then lie in any folder. A distribution's JDK needs libraries
# of its distribution, which are packed too; Temurin's needs only glibc.
set -euo pipefail
version="$1" time="$2" jdk="$3"
cd "$(dirname "$0")/../.."
name="tanuki4j-$version-linux-x86_64"
image="$PWD/target/$name"
modules=java.base,java.logging,java.management,java.naming,java.net.http,java.sql,java.xml
modules+=,jdk.crypto.ec,jdk.httpserver,jdk.incubator.vector,jdk.management,jdk.net,jdk.unsupported,jdk.zipfs

die() { echo "image.sh: $*" >&2 && exit 1; }
needs() { objdump -p "$@" 2>/dev/null | awk '/NEEDED/ {print $2}' | sort -u; }
rm -rf "$image" "target/$name.tar.gz"
mkdir -p "$image/lib/native" "$image/checkpoints" "$image/tools"
cp LICENSE NOTICE CHANGELOG.md SECURITY.md tools/release/README.md "$image/"
cp -r src/site/markdown "$image/docs"
cp -r scripts configs tokenizer "$image/"
rm "$image"/scripts/{check,format,pack-gpu-tests.sh,test-gpu.sh} # they need the sources
mkdir "$image/training_corpus"
cp training_corpus/{*.md,*.txt,*.jsonl} "$image/training_corpus/"
cp checkpoints/README.md "$image/checkpoints/"
cp -r tools/{container,slurm,kubernetes,convert_tp_pp.sh} "$image/tools/"
cp target/tanuki4j.jar "$image/"
cp target/lib/*.jar "$image/lib/"
"$jdk/bin/jlink" --output "$image/runtime" --add-modules "$modules" --strip-java-debug-attributes --no-man-pages --no-header-files

# What Java and the native parts need beyond glibc, for systems that lack it; scripts/tanuki4j takes it only there.
find_library() { ldconfig -p | awk -v l="$1" '$1 == l && /x86-64/ && !found++ {print $NF}'; }
mapfile -t wanted < <(printf '%s\n' libstdc++.so.6 libgcc_s.so.1
  needs "$image/runtime/lib/server/libjvm.so" "$image"/runtime/lib/lib{java,net,nio,zip,jli,management}.so)
for library in "${wanted[@]}"; do
  case "$library" in libc.so* | libm.so* | libdl.so* | librt.so* | libpthread.so* | ld-linux*) continue ;; esac
  [ -z "$(find "$image/runtime/lib" "$image/lib/native" -name "$library")" ] || continue
  found="$(find_library "$library")"
  [ -n "$found" ] || die "$library, which $jdk needs, is not on this system"
  cp -L "$found" "$image/lib/native/"
done

# From here on, files have their final times: the archive of classes knows those of the jars.
settle() { find "$image" -exec touch -h -d "$time" {} +; }
settle
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
java=("$image/runtime/bin/java" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED
  --add-opens java.base/sun.nio.ch=ALL-UNNAMED --add-opens java.base/java.io=ALL-UNNAMED)
program() {
  OMP_NUM_THREADS=1 TANUKI4J_CACHE_DIR="$work/cache" "${java[@]}" "-XX:DumpLoadedClassList=$work/$1.list" -Xmx1g \
    -Dorg.bytedeco.javacpp.maxphysicalbytes=0 -cp "$image/tanuki4j.jar" io.tanuki4j.cli.Main "${@:2}" >"$work/$1.log" 2>"$work/$1.err" ||
    { cat "$work/$1.err" && die "the program fails: ${*:2}"; }
}
(
  cd "$image"
  program completion generate-completion
  cp "$work/completion.log" scripts/tanuki4j.bash-completion
  for language in ja en; do
    head -n 40 "training_corpus/$language.jsonl" >"$work/$language.jsonl"
    program "preprocess-$language" preprocess --input "$work/$language.jsonl" --output-prefix "$work/$language" --append-eod \
      --tokenizer-type SentencePieceTokenizer --tokenizer-model tokenizer/ja_en_8k_unigram_identity.model
  done
  program pretrain pretrain @configs/quickstart.args --backend cpu --train-iters 2 --lr-warmup-iters 1 --log-interval 1 --eval-interval 2 \
    --eval-iters 1 --split 60,20,20 --data-path 0.4 "$work/ja_text_document" 0.6 "$work/en_text_document" --save "$work/run"
  program generate generate --backend cpu --load "$work/run" --prompt "It was" --max-new-tokens 2
  program inspect inspect "$work/run"
  program doctor doctor
  program version --version
)
if [ "$(sed -nE 's/^JAVA_VERSION="([0-9]+).*/\1/p' "$jdk/release")" -ge 19 ]; then
  # Names, then lambdas, in a fixed order; without classes of other class loaders, which the archive does not hold, without the
  # one that only some starts load, and without lambdas of picocli: the archive leaves out its classes, whose format is an old one,
  # once a lambda has used them, and then holds addresses of the process that writes it.
  cat "$work"/*.list | grep -vE 'source:|^jdk/internal/foreign/MemorySessionImpl.ResourceList' | sed -nE 's/^([^@# ]+)( .*)?$/\1/p' |
    LC_ALL=C sort -u >"$work/classes"
  cat "$work"/*.list | grep '^@lambda' | grep -v picocli | LC_ALL=C sort -u >>"$work/classes"
  # The archive holds a few more addresses of the process, and which calls of the JDK's own classes it had resolved. Compiled code
  # resolves others than interpreted code does, and when code is compiled is a matter of time.
  fixed=(setarch -R)
  "${fixed[@]}" true 2>/dev/null ||
    { echo "image.sh: this system randomises addresses, so another build will have other bytes in tanuki4j.jsa" && fixed=(); }
  "${fixed[@]}" "${java[@]}" -Xint -Xshare:dump "-XX:SharedClassListFile=$work/classes" "-XX:SharedArchiveFile=$image/lib/tanuki4j.jsa" \
    -cp "$image/tanuki4j.jar" >"$work/dump.log" 2>&1 || { cat "$work/dump.log" && die "no archive of classes"; }
  chmod u+w "$image/lib/tanuki4j.jsa"
fi
settle
tar -C target --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mode='u=rwX,go=rX' --mtime="$time" \
  -cf - "$name" | gzip -n -9 >"target/$name.tar.gz"
(cd target && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
echo "target/$name.tar.gz: $(($(stat -c %s "target/$name.tar.gz") / 1000000)) MB, $(cut -d' ' -f1 "target/$name.tar.gz.sha256")"
