/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists what an rpm database says, for rtsample: `rtsample-rpm BACKEND FOLDER`. The database may be
 * anyone's, and librpm is large: so it is read here, in a process of its own that has given up all
 * that it does not need. rtsample starts it with a copy of the database and reads the list
 * (package/rpm_listing.h).
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rpm/header.h>
#include <rpm/rpmdb.h>
#include <rpm/rpmfiles.h>
#include <rpm/rpmlog.h>
#include <rpm/rpmmacro.h>
#include <rpm/rpmts.h>

#include "rpm/confine.h"

/* Packages, and files of one package, beyond which a database is none of this world. */
#define PACKAGES_MAX 100000
#define FILES_MAX    1000000

/* Exit status, as RTS_RPM_UNKNOWN of package/rpm_listing.h: librpm warned, and found nothing. */
#define NOTHING_FOUND 3

static const char *word(Header header, rpmTagVal tag)
{
    const char *text = headerGetString(header, tag);
    return text ? text : "";
}

/* One line each: what would break it has no place in a name. */
static bool is_plain(const char *text)
{
    return text && *text && !strpbrk(text, "\t\n");
}

static void list_file(rpmfiles files, int index)
{
    int algorithm;
    size_t size;
    if (!RPMFILE_IS_INSTALLED(rpmfilesFState(files, index)) ||
        !S_ISREG(rpmfilesFMode(files, index)))
        return;
    char *path = rpmfilesFN(files, index);
    if (is_plain(path) && *path == '/') {
        const unsigned char *digest = rpmfilesFDigest(files, index, &algorithm, &size);
        fputs("F\t", stdout);
        for (size_t i = 0; digest && i < size; i++)
            printf("%02x", digest[i]);
        printf("\t%s\n", path);
    }
    free(path);
}

static void list_package(Header header)
{
    const char *name = word(header, RPMTAG_NAME), *version = word(header, RPMTAG_VERSION);
    const char *release = word(header, RPMTAG_RELEASE), *arch = word(header, RPMTAG_ARCH);
    if (!is_plain(name) || !is_plain(version) || !is_plain(release))
        return;
    printf("P\t%s\t%" PRIu64 "\t%s-%s\t%s\n", name, headerGetNumber(header, RPMTAG_EPOCH), version,
           release, is_plain(arch) ? arch : "");
    rpmfiles files = rpmfilesNew(NULL, header, RPMTAG_BASENAMES, RPMFI_FLAGS_QUERY);
    rpm_count_t count = rpmfilesFC(files);
    for (rpm_count_t i = 0; i < count && i < FILES_MAX; i++)
        list_file(files, (int)i);
    rpmfilesFree(files);
}

static int list(const char *backend, const char *folder)
{
    rpmts transaction = rpmtsCreate();
    /* None of rpm's own settings are read: neither ours nor, in a chroot, anybody's. */
    rpmPushMacro(NULL, "_db_backend", NULL, backend, RMIL_CMDLINE);
    rpmPushMacro(NULL, "_dbpath", NULL, folder, RMIL_CMDLINE);
    /* No keys are looked for, and nothing is verified with them. */
    rpmtsSetVSFlags(transaction, RPMVSF_MASK_NODIGESTS | RPMVSF_MASK_NOSIGNATURES);
    bool opened = rpmtsSetRootDir(transaction, "/") == 0 && rpmtsOpenDB(transaction, 0) == 0;
    int count = 0;
    if (opened) {
        rpmdbMatchIterator packages = rpmtsInitIterator(transaction, RPMDBI_PACKAGES, NULL, 0);
        Header header;
        for (; count < PACKAGES_MAX && (header = rpmdbNextIterator(packages)); count++)
            list_package(header);
        rpmdbFreeIterator(packages);
    }
    rpmtsFree(transaction);
    /* A librpm that was built without this kind of database warns, and opens an empty one. */
    bool unknown = count == 0 && rpmlogGetNrecs() > 0;
    return opened && unknown ? NOTHING_FOUND : opened ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const char *const backends[] = {"sqlite", "ndb", "bdb_ro"};
    const char *backend = NULL;
    for (size_t i = 0; argc == 3 && i < sizeof backends / sizeof *backends; i++)
        if (strcmp(argv[1], backends[i]) == 0)
            backend = backends[i];
    if (!backend) {
        fputs("usage: rtsample-rpm sqlite|ndb|bdb_ro FOLDER\n"
              "Lists an rpm database; started by rtsample.\n",
              stderr);
        return 2;
    }
    const char *folder = rts_confine(argv[2]);
    int status = folder ? list(backend, folder) : 1;
    if (status == 0)
        puts("E"); /* the whole of it */
    if (fflush(stdout) != 0 && status == 0)
        status = 1;
    _exit(status); /* what others do at an exit may not be permitted any more */
}
