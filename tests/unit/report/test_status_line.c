/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../suite.h"
#include "report/status_line.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const struct rts_status status = {
    .elapsed_ms = 12345,
    .samples = 4950,
    .dropped = 40,
    .complete = 4900,
};

static void assert_formats(unsigned width, const char *expected)
{
    struct rts_buffer out = RTS_BUFFER_INIT;
    rts_buffer_text(&out, "");
    rts_status_format(&status, width, &out);
    assert_string_equal(out.data, expected);
    rts_buffer_finish(&out);
}

static void parts_that_do_not_fit_are_left_out(void **state)
{
    (void)state;
    const char *whole = "12.0 s   4,950 samples   40 dropped   98.9 % complete stacks";
    assert_formats(200, whole);
    assert_formats((unsigned)strlen(whole), whole);
    assert_formats((unsigned)strlen(whole) - 1, "12.0 s   4,950 samples   40 dropped");
    assert_formats(30, "12.0 s   4,950 samples");
    assert_formats(6, "12.0 s");
    assert_formats(5, "");
    assert_formats(0, "");
}

/* A terminal of our own: what is written to `slave` is read from `master`. */
struct terminal {
    int master, slave;
};

static bool open_terminal(struct terminal *terminal, unsigned short columns)
{
    terminal->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal->master < 0 || grantpt(terminal->master) < 0 || unlockpt(terminal->master) < 0)
        return false;
    terminal->slave = open(ptsname(terminal->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    return terminal->slave >= 0 && ioctl(terminal->slave, TIOCSWINSZ, &size) == 0;
}

static void assert_shown(const struct terminal *terminal, const char *expected)
{
    char bytes[512] = "";
    fcntl(terminal->master, F_SETFL, O_NONBLOCK);
    ssize_t size = read(terminal->master, bytes, sizeof bytes - 1);
    bytes[size > 0 ? size : 0] = '\0';
    assert_string_equal(bytes, expected);
}

static void draws_and_erases_on_a_terminal(void **state)
{
    (void)state;
    struct terminal terminal = {-1, -1};
    if (!open_terminal(&terminal, 31)) {
        print_message("no pseudo-terminal here\n");
        skip();
    }
    setenv("TERM", "xterm", 1);
    struct rts_status_line line;
    rts_status_line_init(&line, terminal.slave);
    rts_status_line_erase(&line);
    assert_shown(&terminal, "");
    rts_status_line_draw(&line, &status);
    assert_shown(&terminal, "\r\033[K12.0 s   4,950 samples");
    rts_status_line_erase(&line);
    assert_shown(&terminal, "\r\033[K");
    rts_status_line_erase(&line);
    assert_shown(&terminal, "");

    setenv("TERM", "dumb", 1);
    rts_status_line_init(&line, terminal.slave);
    rts_status_line_draw(&line, &status);
    assert_shown(&terminal, "");
    close(terminal.slave);
    close(terminal.master);
}

static void is_silent_elsewhere(void **state)
{
    (void)state;
    int ends[2];
    char byte;
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    setenv("TERM", "xterm", 1);
    struct rts_status_line line;
    rts_status_line_init(&line, ends[1]);
    rts_status_line_draw(&line, &status);
    rts_status_line_erase(&line);
    assert_int_equal(read(ends[0], &byte, 1), -1);
    close(ends[0]);
    close(ends[1]);
}

RTS_SUITE
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_that_do_not_fit_are_left_out),
        cmocka_unit_test(draws_and_erases_on_a_terminal),
        cmocka_unit_test(is_silent_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
