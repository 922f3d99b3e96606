# SPDX-License-Identifier: Apache-2.0
# Unit tests of process/, appended to check_PROGRAMS and TESTS.
