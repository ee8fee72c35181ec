"""Online logistic and complementary log-log regression by Newton steps."""
