package retention.rival;

import java.time.DateTimeException;
import java.time.OffsetDateTime;

/** Times as in 2026-03-02T00:00:00.000Z by hand, all other forms by the library. */
final class Rfc3339 {
  static final long NO_TIME = Long.MIN_VALUE;

  private static final int[] LONGEST = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  private static final int NO_NUMBER = -1000;

  private Rfc3339() {}

  /** Milliseconds since the epoch, or NO_TIME. */
  static long parse(char[] text, int offset, int length) {
    long found = inUtc(text, offset, length);
    if (found != NO_TIME) {
      return found;
    }
    try {
      return OffsetDateTime.parse(new String(text, offset, length)).toInstant().toEpochMilli();
    } catch (DateTimeException | ArithmeticException e) {
      return NO_TIME;
    }
  }

  private static long inUtc(char[] text, int at, int length) {
    boolean formed =
        length >= 20
            && length <= 27
            && text[at + 4] == '-'
            && text[at + 7] == '-'
            && text[at + 10] == 'T'
            && text[at + 13] == ':'
            && text[at + 16] == ':'
            && (length == 20 || text[at + 19] == '.')
            && text[at + length - 1] == 'Z';
    if (!formed) {
      return NO_TIME;
    }
    int year = two(text, at) * 100 + two(text, at + 2);
    int month = two(text, at + 5);
    int day = two(text, at + 8);
    int hour = two(text, at + 11);
    int minute = two(text, at + 14);
    int second = two(text, at + 17);
    boolean exists =
        (year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= LONGEST[month])
            && (hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60)
            && (month != 2 || day < 29 || (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)));
    if (!exists) {
      return NO_TIME;
    }
    int ms = 0;
    for (int i = 20, weight = 100; i < length - 1; i++, weight /= 10) {
      int digit = text[at + i] - '0';
      if (digit < 0 || digit > 9) {
        return NO_TIME;
      }
      ms += digit * weight;
    }
    return ((days(year, month, day) * 24 + hour) * 60 + minute) * 60_000 + second * 1_000L + ms;
  }

  /** Days since the epoch, counted by years that begin in March. */
  private static long days(int year, int month, int day) {
    int sinceMarch = month < 3 ? month + 9 : month - 3;
    int y = month < 3 ? year - 1 : year;
    return y * 365L + y / 4 - y / 100 + y / 400 + (153 * sinceMarch + 2) / 5 + day - 1 - 719_468;
  }

  private static int two(char[] text, int at) {
    int tens = text[at] - '0';
    int ones = text[at + 1] - '0';
    return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? NO_NUMBER : tens * 10 + ones;
  }
}
