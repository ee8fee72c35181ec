package retention.rival;

import java.util.Arrays;

/**
 * One touchpoint into a customer's record: counts, gaps, amounts, opinions, the score, hysteresis.
 */
final class Kernel {
  static final double LEAST_WEIGHT = 0.2;

  private static final long DAY_MS = 86_400_000L;
  private static final long LATE_MS = 3_600_000L;
  private static final long SCORED_MS = 2 * 28 * DAY_MS;
  private static final int MOST_CASES = 100;
  private static final int MOST_HEARD = 15;
  private static final int NOT_COUNTED = -1;

  /** Which of the eight counts a kind moves. */
  private static final int[] COUNT_OF = new int[256];

  static {
    Arrays.fill(COUNT_OF, NOT_COUNTED);
    COUNT_OF[Kind.COMPLAINT] = 0;
    COUNT_OF[Kind.PAYMENT_FAILED] = 1;
    COUNT_OF[Kind.MESSAGE_UNSUBSCRIBED] = 2;
    COUNT_OF[Kind.VISIT] = COUNT_OF[Kind.SEARCH] = COUNT_OF[Kind.CONTENT_VIEWED] = 3;
    COUNT_OF[Kind.MESSAGE_OPENED] = COUNT_OF[Kind.MESSAGE_CLICKED] = 4;
    COUNT_OF[Kind.PRESENCE] = 5;
    COUNT_OF[Kind.RETURN] = 6;
    COUNT_OF[Kind.CAMPAIGN_RECEIVED] = COUNT_OF[Kind.OFFER_DELIVERED] = 7;
  }

  private final Job job;
  private final Features features;
  private final float[] n = new float[Customer.COUNT];
  private final double[] left = new double[Decay.HALF_LIVES];

  /** Of the last customer that was scored. */
  double probability;

  Kernel(Job job) {
    this.job = job;
    this.features = new Features(job);
  }

  /**
   * Change the record by a touchpoint that is not in it yet.
   *
   * @param now the record's timestamp in the log, ms
   * @return whether an episode has opened
   */
  boolean apply(byte[] record, Touchpoint t, long now) {
    Customer.remember(record, t.hash);
    Customer.read(record, n);
    boolean alive = t.kind == Kind.PURCHASE;
    boolean late = t.time < now - LATE_MS;
    long last = (long) Customer.time(record, Customer.LAST_PURCHASE);
    long daysAhead = t.time / DAY_MS - last / DAY_MS;
    double newest = Customer.time(record, Customer.NEWEST);
    int sort = t.kind == Kind.PRESENCE && t.a <= 0.0 ? NOT_COUNTED : COUNT_OF[t.kind];
    count(newest, t.time, sort, alive && daysAhead != 0);
    Customer.time(record, Customer.NEWEST, Math.max(newest, t.time));
    Customer.earliest(record, Customer.FIRST_TOUCH, t.time);
    if (alive) {
      buy(record, t, daysAhead, last);
    } else if (t.kind == Kind.RETURN) {
      n[Customer.RETURNED] = (float) (n[Customer.RETURNED] + t.a);
    } else {
      cases(record, t);
    }
    if (!late) {
      if (t.kind == Kind.REVIEW) {
        hear(record, Customer.RATING, 0, t.a);
      }
      if (!Double.isNaN(t.sentiment)) {
        hear(record, Customer.SENTIMENT, 4, t.sentiment);
      }
    }
    long bought = (long) Customer.time(record, Customer.LAST_PURCHASE);
    boolean scored = n[Customer.DAYS] > 0f && now - bought <= SCORED_MS;
    boolean opened = scored && episode(record, now, late || alive);
    Customer.write(record, n);
    return opened;
  }

  /** Score the customer and open or close the episode; whether it has opened. */
  private boolean episode(byte[] record, long now, boolean mayNotOpen) {
    probability = features.score(record, n, now);
    n[Customer.RISK] = (float) probability;
    if (record[Customer.OPEN] != 0) {
      if (probability < job.exit) {
        record[Customer.OPEN] = 0;
        Customer.time(record, Customer.EPISODE, 0.0);
      }
      return false;
    }
    if (probability < job.enter || mayNotOpen) {
      return false;
    }
    record[Customer.OPEN] = 1;
    Customer.time(record, Customer.EPISODE, now);
    return true;
  }

  /** Decay all counts to a touchpoint's time, and count it. */
  private void count(double newest, long time, int sort, boolean bought) {
    double ahead = newest != 0.0 ? (time - newest) / DAY_MS : 0.0;
    if (ahead > 0.0) {
      Decay.over(ahead, left);
      for (int i = 0; i < Decay.HALF_LIVES; i++) {
        n[Customer.PURCHASES + i] = (float) (n[Customer.PURCHASES + i] * left[i]);
      }
      for (int i = 0; i < Decay.COUNTS; i++) {
        n[Customer.TOUCHES + i] = (float) (n[Customer.TOUCHES + i] * left[Decay.OF_COUNT[i]]);
      }
    }
    if (sort == NOT_COUNTED && !bought) {
      return;
    }
    if (ahead < 0.0) {
      Decay.over(-ahead, left);
    } else {
      Arrays.fill(left, 1.0);
    }
    if (sort != NOT_COUNTED) {
      n[Customer.TOUCHES + sort] =
          (float) (n[Customer.TOUCHES + sort] + left[Decay.OF_COUNT[sort]]);
    }
    if (bought) {
      for (int i = 0; i < Decay.HALF_LIVES; i++) {
        n[Customer.PURCHASES + i] = (float) (n[Customer.PURCHASES + i] + left[i]);
      }
    }
  }

  private void buy(byte[] record, Touchpoint t, long daysAhead, long last) {
    n[Customer.SPENT] = (float) (n[Customer.SPENT] + t.a);
    if (daysAhead > 0) {
      if (n[Customer.DAYS] > 0f) {
        closeDay(daysAhead);
      }
      n[Customer.DAYS] += 1f;
      n[Customer.DAY_AMOUNT] = (float) t.a;
      n[Customer.DAY_QUANTITY] = (float) t.b;
      n[Customer.DAY_BASKETS] = 1f;
      Customer.time(record, Customer.LAST_PURCHASE, t.time);
    } else if (daysAhead < 0) {
      n[Customer.DAYS] += 1f;
      n[Customer.AMOUNT_SUM] = (float) (n[Customer.AMOUNT_SUM] + Math.log(1.0 + t.a));
    } else {
      n[Customer.DAY_AMOUNT] = (float) (n[Customer.DAY_AMOUNT] + t.a);
      n[Customer.DAY_QUANTITY] = (float) (n[Customer.DAY_QUANTITY] + t.b);
      n[Customer.DAY_BASKETS] += 1f;
      Customer.time(record, Customer.LAST_PURCHASE, Math.max(last, t.time));
    }
    Customer.earliest(record, Customer.FIRST_PURCHASE, t.time);
  }

  /** A new day of purchases, some days after the one before: that one goes into the averages. */
  private void closeDay(long gap) {
    double weight = Math.max(LEAST_WEIGHT, 1.0 / n[Customer.DAYS]);
    double lnGap = Math.log(gap);
    move(Customer.GAP_EWMA, weight, lnGap);
    n[Customer.GAP_LOG_SUM] = (float) (n[Customer.GAP_LOG_SUM] + lnGap);
    n[Customer.GAP_LOG_SQUARES] = (float) (n[Customer.GAP_LOG_SQUARES] + lnGap * lnGap);
    n[Customer.GAP_MAX] = Math.max(n[Customer.GAP_MAX], gap);
    double amount = Math.log(1.0 + n[Customer.DAY_AMOUNT]);
    move(Customer.AMOUNT_EWMA, weight, amount);
    n[Customer.AMOUNT_SUM] = (float) (n[Customer.AMOUNT_SUM] + amount);
    move(Customer.QUANTITY_EWMA, weight, Math.log(1.0 + n[Customer.DAY_QUANTITY]));
    move(Customer.BASKETS_EWMA, weight, Math.log(n[Customer.DAY_BASKETS]));
  }

  private static void cases(byte[] record, Touchpoint t) {
    if (t.kind == Kind.CASE_OPENED) {
      if (record[Customer.CASES] < MOST_CASES) {
        record[Customer.CASES]++;
      }
      if (Customer.second(record, Customer.OLDEST_CASE) == 0) {
        Customer.second(record, Customer.OLDEST_CASE, (int) (t.time / 1_000));
      }
    } else if (t.kind == Kind.CASE_RESOLVED && record[Customer.CASES] > 0) {
      record[Customer.CASES]--;
      if (record[Customer.CASES] == 0) {
        Customer.second(record, Customer.OLDEST_CASE, 0);
      }
    }
  }

  /** An opinion into its average; shift: where the record counts how many there were. */
  private void hear(byte[] record, int at, int shift, double value) {
    int heard = record[Customer.HEARD] >> shift & MOST_HEARD;
    if (heard < MOST_HEARD) {
      heard++;
      record[Customer.HEARD] += (byte) (1 << shift);
    }
    move(at, Math.max(LEAST_WEIGHT, 1.0 / heard), value);
  }

  private void move(int at, double weight, double value) {
    double before = n[at];
    n[at] = (float) (before + weight * (value - before));
  }
}
