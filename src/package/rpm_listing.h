/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists an rpm database by the program rtsample-rpm (rpm/main.c), which alone is linked with
 * librpm. It gets a copy of the database in a folder of its own, so that whatever is wrong with the
 * database is wrong there only. The list has a line
 *
 *     P <tab> name <tab> epoch <tab> version-release <tab> arch
 *
 * for each package, with one for each of its files behind it,
 *
 *     F <tab> digest in hexadecimal, or nothing <tab> path
 *
 * and ends with a line "E".
 */
#ifndef RTS_PACKAGE_RPM_LISTING_H
#define RTS_PACKAGE_RPM_LISTING_H

#include <stdbool.h>

#include "package/reading.h"

/* What rtsample-rpm exits with when its librpm warns and finds nothing: it was built without this
 * kind of database, or that is damaged. */
#define RTS_RPM_UNKNOWN 3

/* Lists the first database of the tree and returns the list, a file without
 * a name. -1 when there is no database; or, with *failed set and the reason said, when rtsample-rpm
 * is not installed, its librpm knows nothing of this kind of database, or the database is damaged,
 * too large or takes too long: 20 s at most, 4 s when it is not of our own root. */
int rts_rpm_listing_make(struct rts_reading *reading, bool *failed);

#endif
