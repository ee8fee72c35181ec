package retention.rival;

import java.util.concurrent.atomic.LongAdder;

/** What all threads have processed, for whoever measures. */
final class Counters {
  final LongAdder touchpoints = new LongAdder();
  final LongAdder duplicates = new LongAdder();
  final LongAdder rejected = new LongAdder();
  final LongAdder triggers = new LongAdder();

  /** As JSON. */
  @Override
  public String toString() {
    return String.format(
        "{\"touchpoints\":%d,\"duplicates\":%d,\"rejected\":%d,\"triggers\":%d}",
        touchpoints.sum(), duplicates.sum(), rejected.sum(), triggers.sum());
  }
}
