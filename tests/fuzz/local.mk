# SPDX-License-Identifier: Apache-2.0
# Fuzz targets and their corpora.
