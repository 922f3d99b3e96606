/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Databases of packages and other texts of a file tree, of any content. The first byte of the input
 * chooses which; the rest is their files, with a byte 0x1e between. tests/fuzz/run builds it with
 * libFuzzer and runs it; tests/fuzz/seeds.py makes what it begins with.
 */
#include <string.h>
#include <sys/mman.h>

#include "fuzz_folder.h"
#include "fuzz_main.h"
#include "fuzz_purl.h"
#include "package/database.h"
#include "package/language_package.h"
#include "package/os_release.h"
#include "package/rpm.h"
#include "package/rust_crate.h"

#define SEPARATOR 0x1e
#define FILES_MAX 5

/* What a kind has: its files, and of which paths it is asked. */
static const struct kind {
    const char *files[FILES_MAX];
    const char *asked[4];
} kinds[] = {
    {{"/var/lib/dpkg/status", "/var/lib/dpkg/info/a.list", "/var/lib/dpkg/info/a.md5sums",
      "/var/lib/dpkg/diversions", "/etc/os-release"},
     {"/usr/bin/a", "/bin/a", "/usr/lib/a.so"}},
    {{"/var/lib/dpkg/status.d/a", "/var/lib/dpkg/status.d/a.md5sums", "/usr/lib/os-release"},
     {"/usr/bin/a", "/lib/a.so"}},
    {{"/lib/apk/db/installed", "/etc/os-release"}, {"/usr/bin/a", "/lib/a.so"}},
    {{"/app/node_modules/a/package.json"}, {"/app/node_modules/a/build/a.node"}},
    {{"/usr/lib/python3/dist-packages/a-1.dist-info/METADATA",
      "/usr/lib/python3/dist-packages/a-1.dist-info/RECORD"},
     {"/usr/lib/python3/dist-packages/a.so", "/usr/lib/python3/dist-packages/a/b.so"}},
    /* The list of rtsample-rpm, which is no file of the tree, and what goes along. */
    {{NULL, "/etc/os-release"}, {"/usr/bin/a", "/bin/a", "/usr/lib/a.so"}},
};
#define KINDS (sizeof kinds / sizeof *kinds)
#define RPM   (KINDS - 1)
#define RUST  KINDS

static int roots[KINDS];

static void make_folders(int root, const char *path)
{
    char folder[256];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path - 1), path + 1);
        mkdirat(root, folder, 0700);
    }
}

static void make_trees(void)
{
    close(fuzz_folder_make());
    for (size_t i = 0; i < KINDS; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s/%zu", fuzz_top, i);
        if (mkdir(path, 0700) < 0 || (roots[i] = open(path, O_PATH | O_CLOEXEC)) < 0)
            abort();
        for (size_t k = 0; k < FILES_MAX; k++)
            if (kinds[i].files[k])
                make_folders(roots[i], kinds[i].files[k]);
        mkdirat(roots[i], "usr", 0700);
        mkdirat(roots[i], "usr/bin", 0700);
        if (symlinkat("usr/bin", roots[i], "bin") < 0)
            abort();
    }
}

static void take_purl(char *purl)
{
    if (purl)
        fuzz_check_purl(purl);
    free(purl);
}

static void ask_rpm(const struct rts_tree *tree, int list, const struct kind *kind)
{
    struct rts_reading reading;
    struct rts_os_release os;
    bool failed = false;
    rts_reading_begin(&reading, tree);
    struct rts_rpm *rpm = rts_rpm_take(&reading, list, &failed);
    rts_os_release_read(&reading, &os);
    for (size_t i = 0; rpm && kind->asked[i]; i++) {
        struct rts_package_owner owner;
        if (rts_rpm_owner(rpm, &reading, &os, kind->asked[i], &owner))
            take_purl(owner.purl);
    }
    rts_rpm_destroy(rpm);
}

static void ask_databases(const struct rts_tree *tree, const struct kind *kind)
{
    struct rts_package_database *database = rts_package_database_create(tree, " (fuzz)");
    for (size_t i = 0; kind->asked[i]; i++) {
        struct rts_package_owner owner;
        struct rts_reading reading;
        if (rts_package_database_owner(database, tree, kind->asked[i], &owner)) {
            if (owner.digest_size > RTS_DIGEST_MAX)
                abort();
            take_purl(owner.purl);
        }
        rts_reading_begin_question(&reading, tree);
        take_purl(rts_language_package_purl(&reading, kind->asked[i]));
    }
    rts_package_database_unref(database);
}

static void ask_rust(const uint8_t *data, size_t size)
{
    char *name = strndup((const char *)data, size);
    const char *crate;
    size_t length = rts_rust_crate(name, &crate);
    if (length > 0 && (crate < name || crate + length > name + strlen(name)))
        abort();
    free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!fuzz_top[0])
        make_trees();
    if (size < 1)
        return 0;
    size_t which = data[0] % (KINDS + 1);
    data++, size--;
    if (which == RUST) {
        ask_rust(data, size);
        return 0;
    }
    const struct kind *kind = &kinds[which];
    const struct rts_tree tree = {.root_fd = roots[which]};
    int list = which == RPM ? memfd_create("list", MFD_CLOEXEC) : -1;
    for (size_t i = 0; i < FILES_MAX; i++) {
        const uint8_t *end = memchr(data, SEPARATOR, size);
        size_t part = end ? (size_t)(end - data) : size;
        if (kind->files[i])
            fuzz_folder_write(roots[which], kind->files[i] + 1, data, part);
        else if (i == 0 && write(list, data, part) != (ssize_t)part)
            abort();
        data += part + (end != NULL);
        size -= part + (end != NULL);
    }
    if (which == RPM)
        ask_rpm(&tree, list, kind);
    else
        ask_databases(&tree, kind);
    return 0;
}
