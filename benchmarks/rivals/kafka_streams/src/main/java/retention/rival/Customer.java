package retention.rival;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Where a customer's record keeps what: little-endian fields in one array of bytes. */
final class Customer {
  // bytes
  static final int RING = 0;
  static final int OPEN = 1; // an episode
  static final int HEARD = 2; // ratings in the lower four bits, sentiments in the upper ones
  static final int CASES = 3;
  // doubles: ms, 0 is never
  static final int NEWEST = 8;
  static final int LAST_PURCHASE = 16;
  static final int EPISODE = 24;
  // ids of the latest touchpoints
  private static final int IDS = 32;
  private static final int REMEMBERED = 8;
  // floats
  private static final int NUMBERS = 96;
  static final int PURCHASES = 0; // decayed counts of purchase days (five)
  static final int TOUCHES = 5; // and of touchpoints (eight), as of NEWEST
  static final int DAYS = 13;
  static final int GAP_LOG_SUM = 14;
  static final int GAP_LOG_SQUARES = 15;
  static final int GAP_MAX = 16;
  static final int GAP_EWMA = 17;
  static final int DAY_AMOUNT = 18;
  static final int DAY_QUANTITY = 19;
  static final int DAY_BASKETS = 20;
  static final int AMOUNT_EWMA = 21;
  static final int AMOUNT_SUM = 22;
  static final int QUANTITY_EWMA = 23;
  static final int BASKETS_EWMA = 24;
  static final int SPENT = 25;
  static final int RETURNED = 26;
  static final int RATING = 27;
  static final int SENTIMENT = 28;
  static final int RISK = 29;
  static final int COUNT = 30;
  // unsigned integers: seconds, 0 is never
  static final int FIRST_TOUCH = 216;
  static final int FIRST_PURCHASE = 220;
  static final int OLDEST_CASE = 224;

  private static final VarHandle FLOATS = view(float[].class);
  private static final VarHandle DOUBLES = view(double[].class);
  private static final VarHandle LONGS = view(long[].class);
  private static final VarHandle INTS = view(int[].class);

  private Customer() {}

  private static VarHandle view(Class<?> array) {
    return MethodHandles.byteArrayViewVarHandle(array, ByteOrder.LITTLE_ENDIAN);
  }

  static double time(byte[] record, int at) {
    return (double) DOUBLES.get(record, at);
  }

  static void time(byte[] record, int at, double ms) {
    DOUBLES.set(record, at, ms);
  }

  static int second(byte[] record, int at) {
    return (int) INTS.get(record, at);
  }

  static void second(byte[] record, int at, int value) {
    INTS.set(record, at, value);
  }

  static void earliest(byte[] record, int at, long ms) {
    int second = (int) Math.max(ms / 1_000, 1);
    int before = second(record, at);
    if (before == 0 || second < before) {
      second(record, at, second);
    }
  }

  static void read(byte[] record, float[] numbers) {
    for (int i = 0; i < COUNT; i++) {
      numbers[i] = (float) FLOATS.get(record, NUMBERS + 4 * i);
    }
  }

  static void write(byte[] record, float[] numbers) {
    for (int i = 0; i < COUNT; i++) {
      FLOATS.set(record, NUMBERS + 4 * i, numbers[i]);
    }
  }

  /** Whether a touchpoint is one of the latest eight. */
  static boolean seen(byte[] record, long hash) {
    for (int i = 0; i < REMEMBERED; i++) {
      if ((long) LONGS.get(record, IDS + 8 * i) == hash) {
        return true;
      }
    }
    return false;
  }

  static void remember(byte[] record, long hash) {
    int ring = record[RING];
    LONGS.set(record, IDS + 8 * ring, hash);
    record[RING] = (byte) ((ring + 1) & (REMEMBERED - 1));
  }
}
