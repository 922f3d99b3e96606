# SPDX-License-Identifier: Apache-2.0
# Unit tests of binary/, appended to check_PROGRAMS and TESTS.
