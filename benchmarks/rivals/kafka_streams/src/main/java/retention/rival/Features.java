package retention.rival;

/** The features of one customer at one moment, and their logistic score. */
final class Features {
  static final String[] NAMES = {
    "constant",
    "recency",
    "frequency",
    "recency_over_7d",
    "recency_over_14d",
    "recency_over_28d",
    "recency_over_56d",
    "frequency_over_2",
    "frequency_over_4",
    "frequency_over_8",
    "purchases_14d",
    "purchases_28d",
    "purchases_56d",
    "purchases_112d",
    "purchases_224d",
    "overdue",
    "overdue_over_-1",
    "overdue_over_-0.5",
    "overdue_over_0",
    "overdue_over_0.5",
    "overdue_over_1",
    "overdue_over_1.5",
    "overdue_over_2",
    "beyond_longest_gap",
    "renewal_odds",
    "delay",
    "delay_over_0",
    "amount_trend",
    "amount_lately",
    "amount_mean",
    "quantity",
    "baskets",
    "first_amount",
    "open_cases",
    "oldest_case",
    "complaints",
    "sentiment",
    "payment_failures",
    "unsubscribes",
    "visits",
    "opens",
    "presence",
    "returns",
    "campaigns",
  };

  private static final double DAY_MS = 86_400_000.0;
  private static final double DAY_SECONDS = 86_400.0;
  private static final double HORIZON_DAYS = 28.0;
  private static final double LN_HORIZON = Math.log(HORIZON_DAYS);
  private static final double[] RECENCY_KNOTS = new double[4];
  private static final double[] FREQUENCY_KNOTS = {Math.log(2), Math.log(4), Math.log(8)};
  private static final double[] OVERDUE_KNOTS = {-1, -0.5, 0, 0.5, 1, 1.5, 2};

  /** Where each of the eight counts of touchpoints is among the features. */
  private static final int[] OF_COUNT = {35, 37, 38, 39, 40, 41, 42, 43};

  static {
    double[] days = {7, 14, 28, 56};
    for (int i = 0; i < days.length; i++) {
      RECENCY_KNOTS[i] = Math.log(days[i] / 7 + 0.5);
    }
  }

  private final Job job;
  private final double[] x = new double[NAMES.length];
  private final double[] left = new double[Decay.HALF_LIVES];

  Features(Job job) {
    this.job = job;
  }

  /** The probability that the customer has left; n: the record's numbers as they are now. */
  double score(byte[] record, float[] n, long now) {
    double today = now / DAY_MS;
    long last = (long) Customer.time(record, Customer.LAST_PURCHASE);
    double recency = Math.max(today - last / (long) DAY_MS, 0.5);
    double tenure =
        Math.max(today - Customer.second(record, Customer.FIRST_PURCHASE) / (int) DAY_SECONDS, 0.0);
    double days = Math.max(n[Customer.DAYS], 1.0);
    x[0] = 1.0;
    timing(n, recency, tenure, days, now - Customer.time(record, Customer.NEWEST));
    renewal(n, recency, days);
    buying(n, days);
    int cases = record[Customer.CASES];
    double oldest =
        Math.max(today - Customer.second(record, Customer.OLDEST_CASE) / DAY_SECONDS, 0.0);
    x[33] = cases > 0 ? Math.log(1.0 + cases) : 0.0;
    x[34] = cases > 0 ? Math.log(1.0 + oldest / 7.0) : 0.0;
    x[36] = n[Customer.SENTIMENT];
    for (int i = 0; i < Decay.COUNTS; i++) {
      double count = n[Customer.TOUCHES + i];
      x[OF_COUNT[i]] = count > 0.0 ? Math.log(1.0 + count * left[Decay.OF_COUNT[i]]) : 0.0;
    }
    return 1.0 / (1.0 + Math.exp(-Math.min(Math.max(total(), -30.0), 30.0)));
  }

  private double total() {
    double[] w = job.weights;
    double a = 0;
    double b = 0;
    double c = 0;
    double d = 0;
    for (int i = 0; i < w.length; i += 4) { // 44 of them: four sums that do not wait for each other
      a += w[i] * x[i];
      b += w[i + 1] * x[i + 1];
      c += w[i + 2] * x[i + 2];
      d += w[i + 3] * x[i + 3];
    }
    return a + b + (c + d);
  }

  /** When they bought, and how often; leaves in `left` what is left of each count. */
  private void timing(float[] n, double recency, double tenure, double days, double silent) {
    double weeks = Math.log(recency / 7.0 + 0.5);
    double frequency = Math.log(days);
    x[1] = weeks;
    x[2] = frequency;
    for (int i = 0; i < RECENCY_KNOTS.length; i++) {
      x[3 + i] = Math.max(weeks - RECENCY_KNOTS[i], 0.0);
    }
    for (int i = 0; i < FREQUENCY_KNOTS.length; i++) {
      x[7 + i] = Math.max(frequency - FREQUENCY_KNOTS[i], 0.0);
    }
    Decay.over(Math.max(silent, 0.0) / DAY_MS, left);
    for (int i = 0; i < Decay.HALF_LIVES; i++) {
      x[10 + i] = Math.log(n[Customer.PURCHASES + i] * left[i] + 0.05);
    }
    double owned = Math.max(tenure - recency, 0.0);
    double overdue = weeks - Math.log((owned + HORIZON_DAYS) / (7.0 * days));
    x[15] = overdue;
    for (int i = 0; i < OVERDUE_KNOTS.length; i++) {
      x[16 + i] = Math.max(overdue - OVERDUE_KNOTS[i], 0.0);
    }
  }

  /** How likely the next purchase falls into the coming week, by the customer's own gaps. */
  private void renewal(float[] n, double recency, double days) {
    double gaps = days - 1.0;
    double lnRecency = Math.log(recency);
    x[23] = days > 1.0 ? lnRecency - Math.log(Math.max(n[Customer.GAP_MAX], 1.0)) : 0.0;
    double known = Math.min(gaps, 5.0);
    double median = (n[Customer.GAP_EWMA] * known + LN_HORIZON) / (known + 1.0);
    double mean = (n[Customer.GAP_LOG_SUM] + 2.0 * LN_HORIZON) / (gaps + 2.0);
    double squares = n[Customer.GAP_LOG_SQUARES] + 2.0 * (LN_HORIZON * LN_HORIZON + 0.8);
    double spread = Math.sqrt(Math.max(squares / (gaps + 2.0) - mean * mean, 0.05));
    double z = (lnRecency - median) / spread;
    double inAWeek = (Math.log(recency + 7.0) - median) / spread;
    double ends = z < 5.0 ? 1.0 - Normal.upperTail(inAWeek) / Normal.upperTail(z) : 0.0001;
    ends = Math.min(Math.max(ends, 1e-4), 0.9999);
    double delay = Math.min(Math.max(z, -4.0), 4.0);
    x[24] = Math.log(ends / (1.0 - ends));
    x[25] = delay;
    x[26] = Math.max(delay, 0.0);
  }

  /** What they buy: the latest day's purchase is not yet part of the averages. */
  private void buying(float[] n, double days) {
    double weight = Math.max(Kernel.LEAST_WEIGHT, 1.0 / days);
    double amount = Math.log(1.0 + n[Customer.DAY_AMOUNT]);
    double lately = moved(n[Customer.AMOUNT_EWMA], weight, amount);
    double quantity =
        moved(n[Customer.QUANTITY_EWMA], weight, Math.log(1.0 + n[Customer.DAY_QUANTITY]));
    double baskets = moved(n[Customer.BASKETS_EWMA], weight, Math.log(n[Customer.DAY_BASKETS]));
    x[27] = amount - lately;
    x[28] = lately - job.meanAmount;
    x[29] = (n[Customer.AMOUNT_SUM] + amount) / days - job.meanAmount;
    x[30] = quantity - job.meanQuantity;
    x[31] = baskets - job.meanBaskets;
    x[32] = days <= 1.0 ? amount - job.meanAmount : 0.0;
  }

  private static double moved(double before, double weight, double value) {
    return before + weight * (value - before);
  }
}
