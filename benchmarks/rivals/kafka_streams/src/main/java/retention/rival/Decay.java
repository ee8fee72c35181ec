package retention.rival;

/** Decayed counts: five half-lives, each half of the next. */
final class Decay {
  static final int HALF_LIVES = 5;
  static final int COUNTS = 8;

  /** Which half-life each of the eight counts of touchpoints has. */
  static final int[] OF_COUNT = {2, 2, 3, 0, 1, 0, 2, 1};

  private static final double LONGEST_HALF_LIFE = 224.0; // days
  private static final double LN2 = Math.log(2.0);

  private Decay() {}

  /** What is left of a count after some days, by half-life. */
  static void over(double days, double[] left) {
    double kept = days == 0.0 ? 1.0 : Math.exp(-LN2 * days / LONGEST_HALF_LIFE);
    for (int i = HALF_LIVES - 1; i >= 0; i--) {
      left[i] = kept;
      kept *= kept;
    }
  }
}
