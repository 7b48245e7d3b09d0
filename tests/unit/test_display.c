/* SPDX-License-Identifier: MIT */
/* test_display: what is drawn, on a screen of the test's own, and when. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "report/display.h"

#define COLUMNS 100
#define ROWS    200

/* A terminal that knows what a display writes, and no more. It never scrolls. */
struct screen {
    char cell[ROWS][COLUMNS + 1];
    size_t row, column;
    bool wraps;
};

static void clear(struct screen *s) {
    *s = (struct screen){.wraps = true};
    for (size_t i = 0; i < ROWS; i++)
        memset(s->cell[i], ' ', COLUMNS);
}

/* One sequence behind ESC [. Its length. */
static size_t obey(struct screen *s, const char *text) {
    char *end;
    unsigned long n = strtoul(text + (*text == '?'), &end, 10);

    switch (*end) {
    case 'A':
        n = n ? n : 1;
        assert_true(n <= s->row);
        s->row -= n;
        break;
    case 'K':
        assert_int_equal(n, 2);
        memset(s->cell[s->row], ' ', COLUMNS);
        break;
    case 'h':
    case 'l':
        assert_int_equal(n, 7);
        s->wraps = *end == 'h';
        break;
    default:
        assert_int_equal(*end, 'm');
    }
    return (size_t)(end - text) + 1;
}

static void show(struct screen *s, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++) {
        assert_true(s->row < ROWS);
        if (text[i] == '\r') {
            s->column = 0;
        } else if (text[i] == '\n') {
            s->row++;
            s->column = 0;
        } else if (text[i] == '\033') {
            assert_int_equal(text[++i], '[');
            i += obey(s, text + i + 1);
        } else {
            assert_true(s->column < COLUMNS);
            s->cell[s->row][s->column++] = text[i];
        }
    }
}

/* The screen is made of these lines and nothing else. */
static void expect_screen(const struct screen *s, const char *want) {
    char got[ROWS * (COLUMNS + 1) + 1];
    size_t n = 0;

    for (size_t i = 0; i < ROWS; i++) {
        size_t len = COLUMNS;

        while (len > 0 && s->cell[i][len - 1] == ' ')
            len--;
        memcpy(got + n, s->cell[i], len);
        n += len;
        got[n++] = '\n';
    }
    while (n > 0 && got[n - 1] == '\n')
        n--;
    got[n] = '\0';
    assert_string_equal(got, want);
}

static struct display d;
static struct screen screen;

static int begin(void **state) {
    (void)state;
    setenv("TERM", "xterm-256color", 1);
    unsetenv("XTERM_VERSION");
    unsetenv("TMUX");
    display_init(&d, DISPLAY_AREA, -1, false);
    clear(&screen);
    return 0;
}

static int end(void **state) {
    (void)state;
    display_release(&d);
    return 0;
}

static struct standing of(uint32_t done, size_t running) {
    struct standing s = {
        .jobs = 50, .done = done, .elapsed_ns = 0, .left_ns = -1, .njobs = running};

    for (size_t i = 0; i < running; i++)
        snprintf(s.job[i].name, sizeof s.job[i].name, "job%zu", i);
    return s;
}

static size_t draw(const struct standing *s, unsigned columns, unsigned rows) {
    const char *text = NULL;
    size_t n = display_draw(&d, s, columns, rows, &text);

    show(&screen, text, n);
    return n;
}

static void erase(unsigned columns) {
    const char *text = NULL;
    size_t n = display_erase(&d, columns, &text);

    show(&screen, text, n);
}

static void in_place(void **state) {
    struct standing s = of(1, 2);

    (void)state;
    show(&screen, "$ muster\n", 9);
    draw(&s, 60, 24);
    expect_screen(&screen, "$ muster\n"
                           "[#-------------------]  1/50 done  49 waiting  0s\n"
                           "I/O 0/0 [----------]  CPU 0/0 [----------]\n"
                           "      0s  I/O  job0\n"
                           "      0s  I/O  job1");
    assert_int_equal(draw(&s, 60, 24), 0); /* nothing has changed */
    s = of(2, 1);                          /* one line less */
    draw(&s, 60, 24);
    expect_screen(&screen, "$ muster\n"
                           "[#-------------------]  2/50 done  48 waiting  0s\n"
                           "I/O 0/0 [----------]  CPU 0/0 [----------]\n"
                           "      0s  I/O  job0");
    s = of(3, 2);
    draw(&s, 60, 24);
    expect_screen(&screen, "$ muster\n"
                           "[#-------------------]  3/50 done  47 waiting  0s\n"
                           "I/O 0/0 [----------]  CPU 0/0 [----------]\n"
                           "      0s  I/O  job0\n"
                           "      0s  I/O  job1");
    erase(60);
    expect_screen(&screen, "$ muster");
    assert_true(screen.wraps);
    erase(60); /* it is gone already */
    show(&screen, "done\n", 5);
    expect_screen(&screen, "$ muster\ndone");
}

static void lines_scroll_above_it(void **state) {
    char want[ROWS * 20] = "";

    (void)state;
    for (unsigned i = 0; i < 60; i++) {
        const struct standing s = of(i, i % 4);
        char line[20];
        int n = snprintf(line, sizeof line, "line %u\n", i);

        draw(&s, 40 + i, 24);
        erase(40 + i);
        show(&screen, line, (size_t)n);
        strcat(want, line);
    }
    want[strlen(want) - 1] = '\0';
    expect_screen(&screen, want);
}

/* Folds the lines of the screen as a terminal does that got narrower. */
static void fold(struct screen *s, size_t columns) {
    struct screen folded;

    clear(&folded);
    for (size_t i = 0; i <= s->row; i++) {
        size_t len = COLUMNS;

        while (len > 0 && s->cell[i][len - 1] == ' ')
            len--;
        for (size_t at = 0; at < len; at++) {
            if (at > 0 && at % columns == 0)
                folded.row++;
            folded.cell[folded.row][at % columns] = s->cell[i][at];
        }
        folded.row += i < s->row;
    }
    *s = folded;
}

static void a_narrower_terminal(void **state) {
    struct standing s = of(1, 1);

    (void)state;
    show(&screen, "above\n", 6);
    draw(&s, 90, 24);
    fold(&screen, 20);
    draw(&s, 20, 24);
    expect_screen(&screen, "above\n"
                           "1/50 done  0s\n"
                           "I/O 0/0  CPU 0/0\n"
                           "      0s  I/O  job0");
    /* What is written then takes it away. */
    draw(&s, 90, 24);
    fold(&screen, 30);
    erase(30);
    expect_screen(&screen, "above");
}

/* Terminals that cut lines off instead. */
static void one_that_does_not_fold(void **state) {
    static const struct {
        const char *term, *xterm, *tmux;
        bool reflows;
    } cases[] = {
        {"xterm-256color", NULL, NULL, true},
        {"xterm", "XTerm(379)", NULL, false},
        {"linux", NULL, NULL, false},
        {"screen.xterm-256color", NULL, NULL, false},
        {"screen-256color", NULL, "/tmp/t", true},
        {"tmux-256color", "XTerm(379)", "/tmp/t", true},
    };
    const struct standing s = of(1, 1);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        setenv("TERM", cases[i].term, 1);
        if (cases[i].xterm)
            setenv("XTERM_VERSION", cases[i].xterm, 1);
        if (cases[i].tmux)
            setenv("TMUX", cases[i].tmux, 1);
        display_release(&d);
        display_init(&d, DISPLAY_AREA, -1, false);
        assert_int_equal(d.reflows, cases[i].reflows);
        unsetenv("XTERM_VERSION");
        unsetenv("TMUX");
    }
    setenv("TERM", "linux", 1);
    display_release(&d);
    display_init(&d, DISPLAY_AREA, -1, false);
    clear(&screen);
    show(&screen, "above\n", 6);
    draw(&s, 90, 24);
    erase(20);
    expect_screen(&screen, "above");
}

static void what_can_be_drawn_on(void **state) {
    static const char *const names[] = {"dumb", ""};
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_false(display_can_draw(fds[1])); /* no terminal */
    for (size_t i = 0; i < 2; i++) {
        setenv("TERM", names[i], 1);
        assert_false(display_can_draw(STDERR_FILENO));
    }
    unsetenv("TERM");
    assert_false(display_can_draw(STDERR_FILENO));
    close(fds[0]);
    close(fds[1]);
}

static void a_line_a_minute(void **state) {
    const struct standing s = of(7, 1);
    int64_t minute = DISPLAY_LINES_NS, now;
    char line[DISPLAY_LINE_MAX];
    size_t n;

    (void)state;
    display_release(&d);
    display_init(&d, DISPLAY_LINES, -1, false);
    now = d.written_ns;
    assert_int_equal(display_due(&d, false), INT64_MAX); /* nothing is known yet */
    assert_int_equal(display_step(&d, now + minute, line), 0);
    display_post(&d, &s);
    assert_int_equal(display_due(&d, true), now + minute);
    assert_int_equal(display_step(&d, now + minute - 1, line), 0);
    assert_false(display_defers(&d, now));
    display_wrote(&d, now + minute - 1); /* something else: a minute from then */
    assert_int_equal(display_step(&d, now + minute, line), 0);
    assert_int_equal(display_due(&d, false), now + 2 * minute - 1);
    n = display_step(&d, now + 2 * minute - 1, line);
    assert_int_equal(n, strlen(line));
    assert_string_equal(line, "muster: 7/50 done, 43 waiting, 0s\n");
    assert_false(d.shown);
}

/* Ten times a second at most, whatever is told. */
static void frames(void **state) {
    const struct standing s = of(7, 1);
    char line[DISPLAY_LINE_MAX];
    int64_t now = clock_ns(), frame;

    (void)state;
    assert_int_equal(display_due(&d, false), INT64_MAX);
    display_post(&d, &s);
    assert_true(display_due(&d, false) <= now);
    assert_int_equal(display_step(&d, now, line), 0);
    frame = d.frame_ns;
    assert_true(frame >= now + DISPLAY_FRAME_NS);
    draw(&s, 80, 24); /* there was no terminal to do it */
    assert_int_equal(display_due(&d, false), INT64_MAX);
    assert_int_equal(display_due(&d, true), frame);
    assert_true(display_defers(&d, frame - 1));
    assert_false(display_defers(&d, frame));
    display_post(&d, &s);
    assert_int_equal(display_due(&d, false), frame);
    assert_int_equal(display_step(&d, frame - 1, line), 0);
    assert_int_equal(d.frame_ns, frame);
    /* Taken away by what was written, it comes again with the next one. */
    erase(80);
    assert_false(display_defers(&d, frame - 1));
    assert_int_equal(display_due(&d, false), frame);
}

static void a_pause(void **state) {
    const struct standing s = of(7, 1);
    char line[DISPLAY_LINE_MAX];

    (void)state;
    display_post(&d, &s);
    display_step(&d, clock_ns(), line);
    display_pause(&d, true);
    assert_int_equal(display_due(&d, false), d.frame_ns);
    display_wait(&d); /* nobody does it: it comes back all the same */
    display_step(&d, d.frame_ns, line);
    assert_true(d.hidden);
    display_wait(&d);
    assert_int_equal(display_due(&d, false), INT64_MAX);
    display_pause(&d, false);
    assert_int_equal(display_due(&d, false), d.frame_ns);
    display_step(&d, d.frame_ns, line);
    assert_false(d.hidden);
}

#define display_test(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        display_test(in_place),
        display_test(lines_scroll_above_it),
        display_test(a_narrower_terminal),
        display_test(one_that_does_not_fold),
        display_test(what_can_be_drawn_on),
        display_test(a_line_a_minute),
        display_test(frames),
        display_test(a_pause),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests_name("display", tests, NULL, NULL);
}
