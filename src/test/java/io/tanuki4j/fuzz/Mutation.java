package io.tanuki4j.fuzz;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Ways to damage a file; the same random numbers damage it the same way. */
enum Mutation {
  FLIPPED_BIT {
    @Override
    byte[] apply(byte[] file, byte[] other, Random random) {
      byte[] result = file.clone();
      result[place(file, random)] ^= (byte) (1 << random.nextInt(Byte.SIZE));
      return result;
    }
  },
  TRUNCATED {
    @Override
    byte[] apply(byte[] file, byte[] other, Random random) {
      return part(file, 0, place(file, random));
    }
  },
  INSERTED {
    @Override
    byte[] apply(byte[] file, byte[] other, Random random) {
      byte[] inserted = new byte[1 + random.nextInt(MAX_PIECE)];
      random.nextBytes(inserted);
      int at = place(file, random);
      return joined(part(file, 0, at), inserted, part(file, at, file.length));
    }
  },
  DELETED {
    @Override
    byte[] apply(byte[] file, byte[] other, Random random) {
      int from = place(file, random);
      int to = Math.min(file.length, from + 1 + random.nextInt(MAX_PIECE));
      return joined(part(file, 0, from), part(file, to, file.length));
    }
  },
  DUPLICATED {
    @Override
    byte[] apply(byte[] file, byte[] other, Random random) {
      int from = place(file, random);
      int to = Math.min(file.length, from + 1 + random.nextInt(MAX_PIECE));
      return joined(part(file, 0, to), part(file, from, file.length));
    }
  },
  EXTREME_INTEGER {
    @Override
    byte[] apply(byte[] file, byte[] other, Random random) {
      byte[] number = new byte[random.nextBoolean() ? Integer.BYTES : Long.BYTES];
      long value = EXTREMES.get(random.nextInt(EXTREMES.size()));
      byte[] all =
          ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
      System.arraycopy(all, 0, number, 0, number.length);
      byte[] result = file.clone();
      int at = place(file, random);
      System.arraycopy(number, 0, result, at, Math.min(number.length, file.length - at));
      return result;
    }
  },
  EXTREME_NUMBER_IN_TEXT {
    @Override
    byte[] apply(byte[] file, byte[] other, Random random) {
      String text = new String(file, StandardCharsets.ISO_8859_1);
      List<MatchResult> numbers = NUMBER.matcher(text).results().toList();
      if (numbers.isEmpty()) {
        return FLIPPED_BIT.apply(file, other, random);
      }
      MatchResult found = numbers.get(random.nextInt(numbers.size()));
      String extreme = TEXTS.get(random.nextInt(TEXTS.size()));
      String changed = text.substring(0, found.start()) + extreme + text.substring(found.end());
      return changed.getBytes(StandardCharsets.ISO_8859_1);
    }
  },
  SWAPPED {
    @Override
    byte[] apply(byte[] file, byte[] other, Random random) {
      return other.clone();
    }
  },
  SPLICED {
    @Override
    byte[] apply(byte[] file, byte[] other, Random random) {
      int at = place(file, random);
      return joined(part(file, 0, at), part(other, Math.min(at, other.length), other.length));
    }
  };

  private static final int MAX_PIECE = 40;

  /** Damage of containers is mostly in their headers, so half of it goes there. */
  private static final int HEADER = 512;

  private static final List<Long> EXTREMES =
      List.of(
          0L,
          -1L,
          1L,
          (long) Integer.MAX_VALUE,
          (long) Integer.MIN_VALUE,
          Long.MAX_VALUE,
          Long.MIN_VALUE,
          1L << 40);
  private static final List<String> TEXTS =
      List.of(
          "0",
          "-1",
          "2147483647",
          "-2147483648",
          "9223372036854775807",
          "99999999999999999999",
          "1e999",
          "0.5",
          "NaN",
          "null");
  private static final Pattern NUMBER = Pattern.compile("-?\\d+(\\.\\d+)?");

  /**
   * Returns the damaged bytes.
   *
   * @param file not empty
   * @param other bytes of another file
   */
  abstract byte[] apply(byte[] file, byte[] other, Random random);

  private static int place(byte[] file, Random random) {
    return random.nextInt(random.nextBoolean() ? file.length : Math.min(file.length, HEADER));
  }

  private static byte[] part(byte[] bytes, int from, int to) {
    return java.util.Arrays.copyOfRange(bytes, from, to);
  }

  private static byte[] joined(byte[]... pieces) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] piece : pieces) {
      out.writeBytes(piece);
    }
    return out.toByteArray();
  }
}
