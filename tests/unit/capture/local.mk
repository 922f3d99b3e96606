# SPDX-License-Identifier: Apache-2.0
# Unit tests of capture/, appended to check_PROGRAMS and TESTS.
