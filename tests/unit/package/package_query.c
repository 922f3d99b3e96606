/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks for the packages of files, for tests that compare the answers with those of other tools:
 *
 *     package_query ROOT        questions on stdin, one per line: PATH[<tab>FUNCTION]
 *
 * PATH is below ROOT; "-" is our own root. "PATH=FILE" asks about FILE, wherever it is, as what is
 * mapped from PATH. Each question has one line of answer: purl, staleMapping and "modified", each
 * "-" where there is none, with tabs between.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "binary/object.h"
#include "package/package_table.h"
#include "package/rpm_starter.h"
#include "util/open_below.h"

#define WAIT_MS 60000

static void answer(struct rts_package_table *table, int root_fd, char *question)
{
    char *path = strtok(question, "\t");
    const char *function = strtok(NULL, "\t");
    char *file = path ? strchr(path, '=') : NULL;
    if (file)
        *file++ = '\0';
    int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : rts_open_below(root_fd, path ? path : "");
    struct rts_object *object = fd < 0 ? NULL : rts_object_open(fd, path, NULL, NULL);
    struct rts_package package = {0};
    if (object) {
        const struct rts_package_place place = {
            .path = path, .tree = {.root_fd = root_fd}, .certain = true};
        rts_package_table_note(table, object, &place, 1);
        package = rts_package_table_find(table, object, function ? function : "");
    }
    printf("%s\t%s\t%s\n", package.purl ? package.purl : "-", package.stale ? package.stale : "-",
           package.modified ? "modified" : "-");
    rts_object_destroy(object);
}

int main(int argc, char **argv)
{
    char line[16384];
    if (argc != 2)
        return 2;
    int root_fd = -1;
    if (strcmp(argv[1], "-") != 0 &&
        (root_fd = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
        return 1;
    struct rts_error error;
    struct rts_rpm_starter *starter = rts_rpm_starter_create(&error);
    struct rts_package_table *table = rts_package_table_create();
    rts_package_table_use_starter(table, starter);
    rts_package_table_wait(table, WAIT_MS);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        answer(table, root_fd, line);
    }
    rts_package_table_settle(table);
    rts_package_table_destroy(table);
    rts_rpm_starter_destroy(starter);
    if (root_fd >= 0)
        close(root_fd);
    return 0;
}
