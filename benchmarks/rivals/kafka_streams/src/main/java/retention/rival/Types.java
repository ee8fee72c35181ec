package retention.rival;

import java.util.Arrays;
import java.util.Properties;

/** The closed set of event types: their numbers, looked up by the parser's own characters. */
final class Types {
  private static final String PREFIX = "kind.";
  private static final int SIZE = 1024; // a power of two, far more than there are types

  private final char[][] names = new char[SIZE][];
  private final int[] numbers = new int[SIZE];

  Types(Properties told) {
    for (String key : told.stringPropertyNames()) {
      if (key.startsWith(PREFIX)) {
        char[] name = key.substring(PREFIX.length()).toCharArray();
        int at = place(name, 0, name.length);
        names[at] = name;
        numbers[at] = Integer.parseInt(told.getProperty(key));
      }
    }
  }

  /** The number of a type; 0 when there is none of that name. */
  int of(char[] text, int offset, int length) {
    return numbers[place(text, offset, length)];
  }

  /** Where a name is, or would be. */
  private int place(char[] text, int offset, int length) {
    int hash = length;
    for (int i = 0; i < length; i++) {
      hash = hash * 31 + text[offset + i];
    }
    int at = (hash ^ (hash >>> 10)) & (SIZE - 1);
    while (names[at] != null
        && !Arrays.equals(names[at], 0, names[at].length, text, offset, offset + length)) {
      at = (at + 1) & (SIZE - 1);
    }
    return at;
  }
}
