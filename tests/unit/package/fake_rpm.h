/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that stand for rtsample-rpm, in a folder of the test's own that is TMPDIR as well. What
 * they do is the first word of the database:
 *
 *     fast   a list of one package, app 1-1, with one file, /usr/bin/app
 *     slow   nothing, for very long
 *     stuck  the same, stopped, and deaf to signals
 *     wrong  ends with status 1
 */
#ifndef TESTS_UNIT_PACKAGE_FAKE_RPM_H
#define TESTS_UNIT_PACKAGE_FAKE_RPM_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FAKE_SIZE 512

static char fake_folder[128], fake_lister[FAKE_SIZE];

static inline void fake_write(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) < 0)
        abort();
}

/* Its own pid is in the file "pid" while it does not end. */
static inline void fake_make(void)
{
    strcpy(fake_folder, "/tmp/rtsample-unit.XXXXXX");
    if (!mkdtemp(fake_folder) || chmod(fake_folder, 0755) < 0)
        abort();
    snprintf(fake_lister, sizeof fake_lister, "%s/lister", fake_folder);
    fake_write(fake_lister,
               "#!/bin/sh\n"
               "read -r word <\"$2/rpmdb.sqlite\"\n"
               "case $word in\n"
               "fast) printf 'P\\tapp\\t0\\t1-1\\tx86_64\\nF\\t\\t/usr/bin/app\\nE\\n' ;;\n"
               "slow) echo $$ >\"${0%/*}/pid\"; exec sleep 1000 ;;\n"
               "stuck) echo $$ >\"${0%/*}/pid\"; trap '' HUP INT TERM; kill -STOP $$ ;;\n"
               "*) exit 1 ;;\n"
               "esac\n",
               0755);
    setenv("TMPDIR", fake_folder, 1);
}

/* Of the one that does not end, once it is there. */
static inline pid_t fake_pid(void)
{
    char path[FAKE_SIZE];
    int pid = 0;
    snprintf(path, sizeof path, "%s/pid", fake_folder);
    for (int i = 0; pid == 0 && i < 20000; i++) {
        FILE *file = fopen(path, "re");
        if (file && fscanf(file, "%d", &pid) != 1)
            pid = 0;
        if (file)
            fclose(file);
        usleep(1000);
    }
    unlink(path);
    return pid;
}

static inline int fake_database(const char *word)
{
    char path[FAKE_SIZE];
    snprintf(path, sizeof path, "%s/database", fake_folder);
    fake_write(path, word, 0644);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    unlink(path);
    return fd;
}

/* Folders that rtsample-rpm's copies were in. */
static inline int fake_left(void)
{
    int count = 0;
    DIR *folder = opendir(fake_folder);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        count += strncmp(entry->d_name, "rtsample-rpm.", 13) == 0;
    closedir(folder);
    return count;
}

static inline void fake_remove(void)
{
    char command[FAKE_SIZE];
    snprintf(command, sizeof command, "rm -rf %s", fake_folder);
    if (system(command) != 0)
        abort();
}

#endif
