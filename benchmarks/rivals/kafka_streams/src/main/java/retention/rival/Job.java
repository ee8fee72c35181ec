package retention.rival;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

/**
 * What benchmarks/rivals/job.py says of the job: weights, thresholds, means, the numbers of types.
 */
final class Job {
  final double[] weights = new double[Features.NAMES.length];
  final double enter;
  final double exit;
  final double meanAmount;
  final double meanQuantity;
  final double meanBaskets;
  final int recordBytes;
  final Types types;

  private Job(Properties told) {
    for (int i = 0; i < weights.length; i++) {
      weights[i] = number(told, "weight." + Features.NAMES[i]);
    }
    enter = number(told, "enter");
    exit = number(told, "exit");
    meanAmount = number(told, "mean.amount");
    meanQuantity = number(told, "mean.quantity");
    meanBaskets = number(told, "mean.baskets");
    recordBytes = (int) number(told, "record.bytes");
    types = new Types(told);
  }

  static Job read(Path file) throws IOException {
    Properties told = new Properties();
    try (Reader reader = Files.newBufferedReader(file)) {
      told.load(reader);
    }
    return new Job(told);
  }

  private static double number(Properties told, String name) {
    String value = told.getProperty(name);
    if (value == null) {
      throw new IllegalArgumentException("the job's file has no " + name);
    }
    return Double.parseDouble(value);
  }
}
