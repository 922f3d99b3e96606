# SPDX-License-Identifier: Apache-2.0
# Unit tests of unwind/, appended to check_PROGRAMS and TESTS.
