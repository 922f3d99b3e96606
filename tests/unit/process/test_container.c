/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "process/container.h"

#include "../oracle.h"
#include "../suite.h"

/* A fake proc. */
struct world {
    char root[64];
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    strcpy(world->root, "/tmp/rtsample-test-XXXXXX");
    assert_non_null(mkdtemp(world->root));
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    free(oracle_ask("rm -r %s && echo", world->root));
    free(world);
    return 0;
}

static void proc_write(const struct world *world, int pid, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%d", world->root, pid);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%d/%s", world->root, pid, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

#define A "3f4a1c9e0b7d5e2f8a6c4b1d9e0f7a5c3b2d1e8f6a4c9b7d5e3f1a2c4b6d8e0f"
#define B "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* The forms that the runtimes give the paths of their control groups. */
static const struct {
    const char *path, *id, *runtime;
} paths[] = {
    {"/docker/" A, A, "docker"},
    {"/system.slice/docker-" A ".scope", A, "docker"},
    {"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" A ".scope", A, "docker"},
    {"/docker/" A "/docker/" B, B, "docker"},
    {"/docker/" A "/init.scope", A, "docker"},
    {"/docker/" A "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod1_2.slice/"
     "cri-containerd-" B ".scope",
     B, "containerd"},
    {"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod5b_6.slice/"
     "cri-containerd-" A ".scope",
     A, "containerd"},
    {"/system.slice/containerd.service/kubepods-besteffort-pod5b_6.slice:cri-containerd:" A, A,
     "containerd"},
    {"/kubepods/burstable/pod5b2e-6/" A, A, NULL},
    {"/kubepods.slice/kubepods-pod1.slice/crio-" A ".scope", A, "cri-o"},
    {"/kubepods.slice/kubepods-pod1.slice/crio-" A ".scope/container", A, "cri-o"},
    {"/kubepods/besteffort/pod1/crio-" A, A, "cri-o"},
    {"/kubepods.slice/kubepods-pod1.slice/crio-conmon-" A ".scope", NULL, NULL},
    {"/machine.slice/libpod-" A ".scope", A, "podman"},
    {"/machine.slice/libpod-" A ".scope/container", A, "podman"},
    {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" A ".scope/container", A,
     "podman"},
    {"/libpod_parent/libpod-" A, A, "podman"},
    {"/machine.slice/libpod-payload-" A, A, "podman"},
    {"/machine.slice/libpod-conmon-" A ".scope", NULL, NULL},
    {"/ecs/0123456789abcdef0123456789abcdef/" A, A, "docker"},
    {"/system.slice/nerdctl-" A ".scope", A, "containerd"},
    {"/", NULL, NULL},
    {"", NULL, NULL},
    {"/../../..", NULL, NULL},
    {"/user.slice/user-0.slice/session-1.scope", NULL, NULL},
    {"/system.slice/docker.service", NULL, NULL},
    {"/docker/" A "0", NULL, NULL},
    {"/docker/short", NULL, NULL},
    {"/docker-.scope", NULL, NULL},
    {"/xdocker-" A, NULL, NULL},
};

static void paths_are_recognized(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct rts_container container = {0};
        bool found = rts_container_from_path(paths[i].path, &container);
        if (found != (paths[i].id != NULL))
            fail_msg("%s", paths[i].path);
        if (!found)
            continue;
        assert_string_equal(container.id, paths[i].id);
        if (paths[i].runtime)
            assert_string_equal(container.runtime, paths[i].runtime);
        else
            assert_null(container.runtime);
    }
}

static void hierarchies_of_v1_and_v2(void **state)
{
    struct world *world = *state;
    struct rts_container container;
    proc_write(world, 1, "cgroup",
               "12:cpuset:/docker/" A "\n11:memory:/docker/" A "\n1:name=systemd:/docker/" A "\n"
               "0::/system.slice/containerd.service\n");
    assert_int_equal(
        rts_container_read(&(struct rts_proc){.root = world->root}, NULL, 1, &container), 1);
    assert_string_equal(container.id, A);
    /* Only one hierarchy tells. */
    proc_write(world, 2, "cgroup", "2:cpu,cpuacct:/\n1:name=systemd:/kubepods/pod1/" B "\n0::/\n");
    assert_int_equal(
        rts_container_read(&(struct rts_proc){.root = world->root}, NULL, 2, &container), 1);
    assert_string_equal(container.id, B);
    proc_write(world, 3, "cgroup", "0::/system.slice/docker-" A ".scope\n");
    assert_int_equal(
        rts_container_read(&(struct rts_proc){.root = world->root}, NULL, 3, &container), 1);
    assert_string_equal(container.runtime, "docker");
    proc_write(world, 4, "cgroup", "garbage\n:\n::\n1:\n\n0::/user.slice");
    assert_int_equal(
        rts_container_read(&(struct rts_proc){.root = world->root}, NULL, 4, &container), 0);
    assert_string_equal(container.id, "");
}

static void user_namespace(const struct world *world, int pid, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%d/ns", world->root, pid);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%d/ns/user", world->root, pid);
    unlink(path);
    assert_int_equal(symlink(name, path), 0);
}

static void own_user_namespace(const struct world *world, int pid)
{
    char name[64] = "";
    assert_true(readlink("/proc/self/ns/user", name, sizeof name - 1) > 0);
    user_namespace(world, pid, name);
}

/* In a user namespace of one's own anybody mounts what he likes. */
static void mounts_of_others_tell_nothing(void **state)
{
    struct world *world = *state;
    struct rts_container container;
    proc_write(world, 5, "cgroup", "0::/user.slice\n");
    proc_write(world, 5, "mountinfo",
               "621 610 254:1 /tmp/containers/" A "/hostname /etc/hostname rw - ext4 x rw\n"
               "630 610 0:24 /tmp/x-containers/" B "/x /run/.containerenv rw - tmpfs tmpfs rw\n");
    assert_int_equal(
        rts_container_read(&(struct rts_proc){.root = world->root}, NULL, 5, &container), 0);
    assert_string_equal(container.id, "");
    user_namespace(world, 5, "user:[1]");
    assert_int_equal(
        rts_container_read(&(struct rts_proc){.root = world->root}, NULL, 5, &container), 0);
    assert_string_equal(container.id, "");
    own_user_namespace(world, 5);
    assert_int_equal(
        rts_container_read(&(struct rts_proc){.root = world->root}, NULL, 5, &container), 1);
    assert_string_equal(container.id, A);
}

/* Within a private cgroup namespace the path of our own container is "/". */
static void private_namespaces_have_mounts(void **state)
{
    struct world *world = *state;
    struct rts_container container;
    proc_write(world, 1, "cgroup", "0::/\n");
    own_user_namespace(world, 1);
    proc_write(
        world, 1, "mountinfo",
        "610 500 0:50 / / rw - overlay overlay rw\n"
        "620 610 254:1 /var/lib/docker/containers/" A "/resolv.conf /etc/resolv.conf rw - ext4 "
        "/dev/vda1 rw\n"
        "621 610 254:1 /var/lib/docker/containers/" A "/hostname /etc/hostname rw - ext4 x rw\n");
    assert_int_equal(
        rts_container_read(&(struct rts_proc){.root = world->root}, NULL, 1, &container), 1);
    assert_string_equal(container.id, A);
    assert_string_equal(container.runtime, "docker");
    proc_write(world, 2, "cgroup", "0::/\n");
    own_user_namespace(world, 2);
    proc_write(world, 2, "mountinfo",
               "630 610 0:24 /containers/overlay-containers/" B "/userdata/.containerenv "
               "/run/.containerenv rw,nosuid - tmpfs tmpfs rw\n");
    assert_int_equal(
        rts_container_read(&(struct rts_proc){.root = world->root}, NULL, 2, &container), 1);
    assert_string_equal(container.id, B);
    assert_string_equal(container.runtime, "podman");
    /* The host's own view of a container's folder says nothing of a process. */
    proc_write(world, 3, "cgroup", "0::/\n");
    own_user_namespace(world, 3);
    proc_write(world, 3, "mountinfo",
               "1 2 0:5 / /var/lib/docker/containers/" A "/mounts/shm rw - tmpfs shm rw\nx\n");
    assert_int_equal(
        rts_container_read(&(struct rts_proc){.root = world->root}, NULL, 3, &container), 0);
    assert_int_equal(
        rts_container_read(&(struct rts_proc){.root = world->root}, NULL, 4, &container), -1);
}

/* A trace has the words; each is the same one when it is read back. */
static void runtimes_are_known_by_their_words(void **state)
{
    static const char *const words[] = {"docker", "containerd", "cri-o", "podman"};
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_string_equal(rts_container_runtime(words[i]), words[i]);
    assert_null(rts_container_runtime(""));
    assert_null(rts_container_runtime("lxc"));
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_recognized),
        cmocka_unit_test(runtimes_are_known_by_their_words),
        cmocka_unit_test_setup_teardown(hierarchies_of_v1_and_v2, setup, teardown),
        cmocka_unit_test_setup_teardown(private_namespaces_have_mounts, setup, teardown),
        cmocka_unit_test_setup_teardown(mounts_of_others_tell_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
