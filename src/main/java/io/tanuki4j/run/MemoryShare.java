package io.tanuki4j.run;

import io.tanuki4j.comm.rendezvous.RankEnvironment;
import io.tanuki4j.error.UserException;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Divides the memory that the program may take on a machine among the ranks there, before the first
 * tensor is allocated.
 */
public final class MemoryShare {
  /** Read by the library that allocates, once. */
  private static final String PROPERTY = "org.bytedeco.javacpp.maxphysicalbytes";

  private static final Pattern SIZE = Pattern.compile("(\\d{1,15})([tgmk]?)b?");
  private static final String UNITS = " kmgt";
  private static final int BITS_PER_UNIT = 10;

  private MemoryShare() {}

  /** Takes this process' part of what the property says, if several ranks share the machine. */
  public static void take(Map<String, String> environment) {
    String limit = System.getProperty(PROPERTY);
    int numRanks = ranksHere(environment);
    if (limit != null && numRanks > 1) {
      System.setProperty(PROPERTY, of(limit, numRanks));
    }
  }

  private static int ranksHere(Map<String, String> environment) {
    try {
      return RankEnvironment.of(environment).localWorldSize();
    } catch (UserException e) {
      return 1; // the command that needs the environment refuses it
    }
  }

  /**
   * Returns the part of one rank; a text that is not a size stays as it is.
   *
   * @param limit like {@code 16g}; 0 for none
   */
  static String of(String limit, int numRanks) {
    Matcher size = SIZE.matcher(limit.strip().toLowerCase(Locale.ROOT));
    if (!size.matches()) {
      return limit;
    }
    int shift = size.group(2).isEmpty() ? 0 : UNITS.indexOf(size.group(2)) * BITS_PER_UNIT;
    return Long.toString((Long.parseLong(size.group(1)) << shift) / numRanks);
  }
}
