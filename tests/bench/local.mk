# SPDX-License-Identifier: Apache-2.0
# Measurements, run by make bench.
