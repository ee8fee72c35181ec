package retention.rival;

/** The standard normal distribution. */
final class Normal {
  private static final double[] FIT = {
    -0.6717940840638894,
    0.6726432239564838,
    0.047343308019470336,
    -0.046895609485453994,
    -0.009872721153144148,
    0.008824933281983556,
    0.0017592649151421105,
    -0.002345825840322946,
    -0.00014798464933597197,
    0.0006739603547800043,
    -8.858317850433896e-05,
    -0.00017558776426380036,
    6.234283051706813e-05,
    3.469238698119379e-05,
    -2.0765523356905717e-05,
    -3.725151048465296e-06,
    3.1610673529235753e-06,
  };

  private Normal() {}

  /** The probability of a larger value; Java has no erfc, so by the fit of models/numerics. */
  static double upperTail(double value) {
    double z = Math.abs(value) * 0.70710678118654752440;
    double t = 1.0 / (1.0 + 0.5 * z);
    double u = 2 * t - 1;
    double fit = 0;
    for (int i = FIT.length - 1; i >= 0; i--) {
      fit = fit * u + FIT[i];
    }
    double tail = 0.5 * t * Math.exp(fit - z * z);
    return value < 0.0 ? 1.0 - tail : tail;
  }
}
