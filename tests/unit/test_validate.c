/* SPDX-License-Identifier: MIT */
/* test_validate: rules of the whole plan, its order, and what is looked for on disk. */
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan_case.h"

/* --- whole-plan rules --- */

static void test_missing(void **state) {
    (void)state;
    plan_case_says("", "m.ini:1:1: error: there is no job ([job NAME])\n"
                       "    1 |\n      | ^\n"
                       "muster: m.ini: 1 error, nothing was run\n");
    plan_case_messages("[muster]\nname = x\n[template t]\ntype = io\n",
                       "m.ini:1:1: error: there is no job ([job NAME])\n");
    plan_case_says("[job a]\n", "m.ini:1:1: error: job 'a' has no type (type = io, cpu or auto)\n"
                                "    1 | [job a]\n      | ^~~~~~~\n"
                                "m.ini:1:1: error: job 'a' has nothing to do (command, exec, "
                                "http, wait-for or task)\n"
                                "    1 | [job a]\n      | ^~~~~~~\n"
                                "muster: m.ini: 2 errors, nothing was run\n");
    /* What was set wrong is not missed as well. */
    plan_case_messages("[job a]\ntype = oi\ntask = x\n",
                       "m.ini:1:1: error: job 'a' has a task and nobody to do it (worker = "
                       "NAME)\n"
                       "m.ini:2:8: error: type: 'oi' is not io, cpu or auto\n");
    plan_case_messages("[job a]\nuse = gone\n", "m.ini:2:7: error: use: no template 'gone'\n");
}

static void test_unknown(void **state) {
    (void)state;
    plan_case_messages("x = 1\n[job fetch]\ntype = io\ncommand = true\nretrys = 1\n"
                       "io-limit = 1\nzzz = 1\n[muster]\ntimeout = 1\n[Job x]\nk = v\n[jobs y]\n"
                       "[job]\n[vars v]\n[job a/b]\n[job .a]\n",
                       "m.ini:1:1: error: key 'x' is outside any section\n"
                       "m.ini:5:1: error: unknown key 'retrys' in [job fetch]; did you mean "
                       "'retries'?\n"
                       "m.ini:6:1: error: unknown key 'io-limit' in [job fetch]; it belongs in "
                       "[muster]\n"
                       "m.ini:7:1: error: unknown key 'zzz' in [job fetch]\n"
                       "m.ini:9:1: error: unknown key 'timeout' in [muster]; it belongs in [job], "
                       "[template] or [defaults]\n"
                       "m.ini:10:2: error: unknown section 'Job'; did you mean 'job'?\n"
                       "m.ini:12:2: error: unknown section 'jobs'; did you mean 'job'?\n"
                       "m.ini:13:1: error: [job] needs a name: [job NAME]\n"
                       "m.ini:14:7: error: [vars] takes no name\n"
                       "m.ini:15:6: error: 'a/b' is not a name (letters, digits, '_', '.' and "
                       "'-', the first none of '.' and '-')\n"
                       "m.ini:16:6: error: '.a' is not a name (letters, digits, '_', '.' and "
                       "'-', the first none of '.' and '-')\n");
}

static void test_twice(void **state) {
    (void)state;
    plan_case_messages("[job a]\ntype = io\ncommand = x\ntype = cpu\nenv.A = 1\nenv.B = 1\n"
                       "env.A = 2\n[defaults]\ncommand = a\nexec = b\n[job a]\ntype = io\n"
                       "command = y\n[defaults]\n[vars]\nv = 1\nv = 2\n[env]\nv = 1\nv = 2\n",
                       "m.ini:4:1: error: duplicate key 'type'\n"
                       "m.ini:2:1: note: it is set here first\n"
                       "m.ini:7:1: error: duplicate key 'env.A'\n"
                       "m.ini:5:1: note: it is set here first\n"
                       "m.ini:10:1: error: 'exec' is a second action in [defaults]; a job has one\n"
                       "m.ini:9:1: note: the first one is here\n"
                       "m.ini:11:1: error: duplicate section '[job a]'\n"
                       "m.ini:1:1: note: the first one is here\n"
                       "m.ini:14:1: error: duplicate section '[defaults]'\n"
                       "m.ini:8:1: note: the first one is here\n"
                       "m.ini:17:1: error: duplicate key 'v'\n"
                       "m.ini:16:1: note: it is set here first\n"
                       "m.ini:20:1: error: duplicate key 'v'\n"
                       "m.ini:19:1: note: it is set here first\n");
}

static void test_not_supported(void **state) {
    (void)state;
    plan_case_messages(
        "[muster]\nlock = watt\n"
        "[job a]\ntype = auto\ncommand = x\ninputs = *.c\noutputs = x\nlimits = l\n"
        "[limit l]\nconcurrency = 0\nrat = 1\n",
        "m.ini:2:8: error: lock: 'watt' is not no, wait, skip or fail; did you mean 'wait'?\n"
        "m.ini:6:1: error: 'inputs' is not supported yet\n"
        "m.ini:7:1: error: 'outputs' is not supported yet\n"
        "m.ini:10:15: error: concurrency: '0' is out of range (1 or more)\n"
        "m.ini:11:1: error: unknown key 'rat' in [limit l]; did you mean 'rate'?\n");
}

static void test_values(void **state) {
    (void)state;
    plan_case_messages("[job a]\ntype = io\ncommand =\ntimeout = 30x\nretries = -1\n"
                       "kill-after = 5s\n   6s\nretry-jitter = 2\nstop-signal = TREM\n"
                       "ok-exit = 0,256\nretry-on = timeout exti:1\nwhen = succes\n"
                       "stdin = x\nstdout = file:\ncpus = 0\nafter = b[1] \"c\n",
                       "m.ini:3:10: error: command: the value is missing\n"
                       "m.ini:4:11: error: timeout: '30x' is not a duration (such as 250ms, 30s, "
                       "5m, 1h30m)\n"
                       "m.ini:5:11: error: retries: '-1' is not a number (0 to 1000000000)\n"
                       "m.ini:7:4: error: indented line would continue 'kill-after'; keys start in "
                       "column 1\n"
                       "m.ini:8:16: error: retry-jitter: '2' is out of range (0 to 1)\n"
                       "m.ini:9:15: error: stop-signal: 'TREM' is not a signal (such as TERM, INT, "
                       "HUP, 15)\n"
                       "m.ini:10:13: error: ok-exit: '256' is not an exit status (0 to 255, such "
                       "as 1-3,75)\n"
                       "m.ini:11:20: error: retry-on: 'exti:1' is not any, exit:LIST, timeout, "
                       "signal, spawn, lost, http or http:LIST\n"
                       "m.ini:12:8: error: when: 'succes' is not success, failure or always; did "
                       "you mean 'success'?\n"
                       "m.ini:13:9: error: stdin: 'x' is not a standard input (null, file:PATH or "
                       "text:...)\n"
                       "m.ini:14:10: error: stdout: a path is missing behind 'file:'\n"
                       "m.ini:15:8: error: cpus: '0' is out of range (1 to 4096)\n"
                       "m.ini:16:14: error: after: the quote is never closed\n");
}

/* A line of spoilt bytes is reported for them, and for nothing else. */
static void test_spoilt(void **state) {
    (void)state;
    plan_case_messages("[job a]\ntype = \x01\ncommand = \xff\n",
                       "m.ini:2:8: error: '\\x01' is a control character\n"
                       "m.ini:3:11: error: '\\xff' is not UTF-8\n");
}

static void test_memory(void **state) {
    static const char text[] = "[defaults]\nmemory = 2G\ntype = io\ncommand = x\n[job a]\n[job b]\n"
                               "[job c]\nmemory = 1G\n[job d]\nmemory = 3G\n";
    struct plan_opts opts = {.path = "m.ini", .cpus = 2, .memory = UINT64_C(1) << 30};
    struct plan *plan;
    struct diag *diag;
    char *said;

    (void)state;
    assert_int_equal(plan_load_bytes(&opts, text, strlen(text), &plan, &diag), UV_EINVAL);
    said = plan_case_render(diag, "m.ini");
    assert_string_equal(
        said, "m.ini:2:10: error: memory: '2.0G' is more than this machine grants (1.0G)\n"
              "    2 | memory = 2G\n      |          ^~\n"
              "m.ini:10:10: error: memory: '3.0G' is more than this machine grants (1.0G)\n"
              "   10 | memory = 3G\n      |          ^~\n"
              "muster: m.ini: 2 errors, nothing was run\n");
    free(said);
    plan_free(plan);
    opts.memory *= 3;
    assert_int_equal(plan_load_bytes(&opts, text, strlen(text), &plan, &diag), 0);
    assert_true(plan->memory == opts.memory);
    assert_true(plan->jobs[2].set->memory == UINT64_C(1) << 30);
    plan_free(plan);
}

static void test_lanes(void **state) {
    (void)state;
    plan_case_messages("[defaults]\ncommand = x\n[job a]\ntype = io\ncpus = 2\n[job b]\n"
                       "type = cpu\ncpus = 3\n[job c]\ntype = cpu\ncpus = 2\n",
                       "m.ini:5:8: warning: cpus: '2' is a weight in the CPU lane; job 'a' is io\n"
                       "m.ini:8:8: error: cpus: '3' is more than the CPU lane has (2 workers)\n");
    /* What is shared may be meant for others; the weight of an I/O job is 1 all the same. */
    struct plan_case c = plan_case_good("[defaults]\ncpus = 2\ncommand = x\n[job a]\ntype = io\n"
                                        "[job b]\ntype = cpu\n");
    assert_int_equal(c.plan->jobs[0].set->cpus, 1);
    assert_int_equal(c.plan->jobs[1].set->cpus, 2);
    plan_case_free(&c);
    /* Each job's own weight is told of, though the two share what comes of it. */
    plan_case_messages(
        "[defaults]\ncommand = x\ntype = io\n[job a]\ncpus = 2\n[job b]\ncpus = 2\n",
        "m.ini:5:8: warning: cpus: '2' is a weight in the CPU lane; job 'a' is io\n"
        "m.ini:7:8: warning: cpus: '2' is a weight in the CPU lane; job 'b' is io\n");
}

/* What muster sets itself is stronger than all layers, and for an I/O job left out. */
static void test_own_environment(void **state) {
    (void)state;
    struct plan_case c = plan_case_text("[env]\nMUSTER_JOB = x\n[job a]\ntype = io\n"
                                        "command = x\nenv.MUSTER_WORKER = 7\n");
    assert_string_equal(c.said, "m.ini:2:1: warning: 'MUSTER_JOB' is set by muster itself, "
                                "whatever stands here\n"
                                "    2 | MUSTER_JOB = x\n      | ^~~~~~~~~~\n"
                                "m.ini:6:5: warning: 'MUSTER_WORKER' is set by muster itself, "
                                "whatever stands here\n"
                                "    6 | env.MUSTER_WORKER = 7\n      |     ^~~~~~~~~~~~~\n");
    assert_null(c.plan->env[0].name);
    assert_null(c.plan->jobs[0].env[0].name);
    plan_case_free(&c);
}

static void test_long_command(void **state) {
    static char text[140000];
    char *to = stpcpy(text, "[job a]\ntype = io\ncommand = ");

    (void)state;
    memset(to, 'x', PLAN_STRING_MAX);
    struct plan_case c = plan_case_good(text);
    plan_case_free(&c);
    to[PLAN_STRING_MAX] = 'x';
    plan_case_messages(text, "m.ini:3:11: error: command: 131072 bytes are more than the kernel "
                             "takes as one argument (131071)\n");
    memcpy(text + 18, "exec    ", 8);
    plan_case_messages(text, "m.ini:3:11: error: exec: a word of 131072 bytes is more than the "
                             "kernel takes as one argument (131071)\n");
}

/* --- order --- */

static void assert_order(const struct plan *plan, const char *expected) {
    char text[200] = "";

    for (uint32_t i = 0; i < plan->njobs; i++) {
        strcat(text, i ? " " : "");
        strcat(text, plan->jobs[plan->order[i]].name);
    }
    assert_string_equal(text, expected);
}

static void test_order(void **state) {
    struct plan_case c = plan_case_good("[defaults]\ntype = io\ncommand = x\n[job d]\n"
                                        "after = b c b\n[job a]\n[job b]\nafter = a\n[job c]\n"
                                        "after = a\n[job e]\n");

    (void)state;
    assert_order(c.plan, "a b c d e");
    assert_int_equal(c.plan->jobs[0].nafter, 2);
    assert_int_equal(c.plan->jobs[0].after[0], 2);
    assert_int_equal(c.plan->jobs[0].after[1], 3);
    plan_case_free(&c);
}

static void test_cycles(void **state) {
    (void)state;
    plan_case_messages("[defaults]\ntype = io\ncommand = x\n"
                       "[job z]\nafter = b\n[job a]\nafter = z c\n[job b]\nafter = a\n"
                       "[job c]\n[job p]\nafter = q\n[job q]\nafter = c, p\n[job s]\n"
                       "after = s\n[job u]\nafter = zz\n",
                       "m.ini:5:9: error: cycle: z after b after a after z\n"
                       "m.ini:12:9: error: cycle: p after q after p\n"
                       "m.ini:16:9: error: after: job 's' cannot come after itself\n"
                       "m.ini:18:9: error: after: no job 'zz'\n");
}

/* A cycle and a chain through very many jobs need no deep stack and no long time. */
static void test_deep(void **state) {
    enum { JOBS = 20000 };
    char *text = malloc(JOBS * 48 + 100);
    char *to = text;

    (void)state;
    assert_non_null(text);
    to += sprintf(to, "[defaults]\ntype = io\ncommand = x\n");
    for (int i = 0; i < JOBS - 1; i++)
        to += sprintf(to, "[job j%d]\nafter = j%d\n", i, i + 1);
    sprintf(to, "[job j%d]\n", JOBS - 1);
    struct plan_case c = plan_case_good(text);
    assert_int_equal(c.plan->order[0], JOBS - 1);
    assert_int_equal(c.plan->order[JOBS - 1], 0);
    plan_case_free(&c);
    strcat(to, "after = j0\n");
    c = plan_case_text(text);
    assert_int_equal(c.diag->errors, 1);
    assert_non_null(strstr(c.said, "(19900 more) after j0\n"));
    plan_case_free(&c);
    free(text);
}

static void test_wanted_jobs(void **state) {
    static const char text[] = "[defaults]\ntype = io\ncommand = x\n[template t]\nafter = a\n"
                               "[job z]\nafter = b\n[job a]\n[job b]\nuse = t\n[job c]\nuse = t\n"
                               "[job d]\n";
    const char *jobs[] = {"b", "d", "b", NULL};
    struct plan_opts opts = {.path = "m.ini", .cpus = 1, .jobs = jobs};
    struct plan_case c;

    (void)state;
    assert_int_equal(plan_load_bytes(&opts, text, sizeof text - 1, &c.plan, &c.diag), 0);
    assert_int_equal(c.plan->njobs, 3);
    assert_string_equal(c.plan->jobs[0].name, "a");
    assert_string_equal(c.plan->jobs[1].name, "b");
    assert_int_equal(c.plan->jobs[1].after[0], 0);
    assert_order(c.plan, "a b d");
    c.plan = plan_free(c.plan);
    jobs[1] = "bb";
    assert_int_equal(plan_load_bytes(&opts, text, sizeof text - 1, &c.plan, &c.diag), UV_EINVAL);
    c.said = plan_case_render(c.diag, "m.ini");
    assert_string_equal(c.said, "muster: no job 'bb' in m.ini\n"
                                "muster: m.ini: 1 error, nothing was run\n");
    plan_case_free(&c);
}

/* What is left of a manifest with tags: the jobs' names, or what was said. */
static void assert_selected(const char *const *tags, const char *const *jobs, const char *wanted) {
    static const char text[] = "[defaults]\ntype = io\ncommand = x\ntags = all\n[vars]\nV = db\n"
                               "[job a]\ntags =\n[job b]\nafter = a\ntags = fast, \"net\"\n"
                               "[job c]\ntags = fast {V}\n[job d]\n";
    struct plan_opts opts = {.path = "m.ini", .cpus = 1, .tags = tags, .jobs = jobs};
    struct plan_case c;
    char left[64] = "";

    plan_load_bytes(&opts, text, sizeof text - 1, &c.plan, &c.diag);
    c.said = plan_case_render(c.diag, "m.ini");
    for (uint32_t i = 0; !c.diag->errors && i < c.plan->njobs; i++)
        strcat(strcat(left, c.plan->jobs[i].name), " ");
    assert_string_equal(c.diag->errors ? c.said : left, wanted);
    plan_case_free(&c);
}

static void test_wanted_tags(void **state) {
    (void)state;
    assert_selected((const char *[]){"net", NULL}, NULL, "a b ");
    assert_selected((const char *[]){"db,all", NULL}, NULL, "c d ");
    assert_selected((const char *[]){"fast", "'all'", NULL}, NULL, "a b c d ");
    assert_selected((const char *[]){"db", NULL}, (const char *[]){"a", "d", NULL}, "a c d ");
    assert_selected((const char *[]){"fsat net alll", NULL}, (const char *[]){"e", NULL},
                    "muster: no job 'e' in m.ini\n"
                    "muster: no job in m.ini has the tag 'fsat'; did you mean 'fast'?\n"
                    "muster: no job in m.ini has the tag 'alll'; did you mean 'all'?\n"
                    "muster: m.ini: 3 errors, nothing was run\n");
    assert_selected((const char *[]){" , ", "'a", NULL}, NULL,
                    "muster: --select: ' , ' names no tag\n"
                    "muster: --select: the quote is never closed in ''a'\n"
                    "muster: m.ini: 2 errors, nothing was run\n");
}

/* --- files --- */

static char folder[64];

static int enter_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/muster-validate-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(setenv("PATH", "/usr/bin:/bin", 1), 0);
    umask(022);
    return 0;
}

static void remove_all(const char *path) {
    DIR *dir = opendir(path);

    for (struct dirent *e; dir && (e = readdir(dir));) {
        char *inner = NULL;
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        assert_true(asprintf(&inner, "%s/%s", path, e->d_name) > 0);
        remove_all(inner);
        free(inner);
    }
    if (dir)
        closedir(dir);
    remove(path);
}

static int leave_folder(void **state) {
    (void)state;
    assert_int_equal(chdir("/"), 0);
    remove_all(folder);
    return 0;
}

static void write_file(const char *name, const char *text) {
    FILE *f = fopen(name, "we");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* Loads m.ini of the folder; all that is said has the folder's name as DIR. */
static struct plan_case load(void) {
    struct plan_opts opts = {.path = "m.ini", .cpus = 2};
    struct plan_case c;
    size_t n = strlen(folder);

    plan_load(&opts, &c.plan, &c.diag);
    assert_non_null(c.plan);
    c.said = plan_case_render(c.diag, "m.ini");
    for (char *s; (s = strstr(c.said, folder));) {
        memcpy(s, "DIR", 3);
        memmove(s + 3, s + n, strlen(s + n) + 1);
    }
    return c;
}

static void load_says(const char *expected) {
    struct plan_case c = load();

    assert_string_equal(c.said, expected);
    plan_case_free(&c);
}

static void test_include(void **state) {
    (void)state;
    assert_int_equal(mkdir("sub", 0755), 0);
    write_file("m.ini", "[muster]\nio-limit = 3\ninclude = sub/b.ini\n[job last]\ntype = io\n"
                        "use = t\ncommand = {v}\nafter = first\n");
    write_file("sub/b.ini", "[muster]\ninclude = c.ini\ncpu-workers = 2\n[vars]\nv = 1\n"
                            "[template t]\ndir = .\nstdout = file:out\n[job first]\ntype = cpu\n"
                            "exec = ./prog\nuse = t\n");
    write_file("sub/c.ini", "[vars]\nw = 2\n[defaults]\ntimeout = 9\n[job zero]\ntype = io\n"
                            "command = x\n");
    write_file("sub/prog", "#!/bin/sh\n");
    assert_int_equal(chmod("sub/prog", 0755), 0);
    struct plan_case c = load();
    char path[100];
    assert_int_equal(c.diag->errors, 0);
    assert_int_equal(c.plan->io_limit, 3);
    assert_int_equal(c.plan->njobs, 3);
    assert_order(c.plan, "zero first last");
    assert_string_equal(c.plan->jobs[0].name, "zero");
    assert_string_equal(c.plan->jobs[2].name, "last");
    assert_int_equal(c.plan->jobs[2].set->timeout_ns, INT64_C(9000000000));
    /* A path is by the folder of the file that it stands in. */
    snprintf(path, sizeof path, "%s/sub", folder);
    assert_string_equal(c.plan->jobs[2].set->dir, path);
    assert_string_equal(c.plan->jobs[2].set->folder, folder);
    assert_string_equal(c.plan->jobs[0].set->dir, path);
    snprintf(path, sizeof path, "%s/sub/out", folder);
    assert_string_equal(c.plan->jobs[2].set->out.text, path);
    snprintf(path, sizeof path, "%s/sub/prog", folder);
    assert_string_equal(c.plan->jobs[1].program, path);
    plan_case_free(&c);
}

static void test_include_faults(void **state) {
    (void)state;
    assert_int_equal(mkdir("sub", 0755), 0);
    write_file("m.ini", "[muster]\nio-limit = 3\ninclude = sub/b.ini\n[job a]\ntype = io\n"
                        "command = x\n");
    write_file("sub/b.ini", "[muster]\nio-limit = 4\ninclude = ../m.ini\n[job a]\n");
    load_says("m.ini:4:1: error: duplicate section '[job a]'\n"
              "    4 | [job a]\n      | ^~~~~~~\n"
              "sub/b.ini:4:1: note: the first one is here\n"
              "    4 | [job a]\n      | ^~~~~~~\n"
              "sub/b.ini:2:1: error: duplicate key 'io-limit'\n"
              "    2 | io-limit = 4\n      | ^~~~~~~~\n"
              "m.ini:2:1: note: it is set here first\n"
              "    2 | io-limit = 3\n      | ^~~~~~~~\n"
              "sub/b.ini:3:11: error: include: loop: m.ini includes sub/b.ini includes "
              "sub/../m.ini\n"
              "    3 | include = ../m.ini\n      |           ^~~~~~~~\n"
              "sub/b.ini:4:1: error: job 'a' has no type (type = io, cpu or auto)\n"
              "    4 | [job a]\n      | ^~~~~~~\n"
              "sub/b.ini:4:1: error: job 'a' has nothing to do (command, exec, http, wait-for "
              "or task)\n"
              "    4 | [job a]\n      | ^~~~~~~\n"
              "muster: m.ini: 5 errors, nothing was run\n");
    write_file("m.ini", "[muster]\ninclude = gone.ini\n[job a]\ntype = io\ncommand = x\n");
    load_says("m.ini:2:11: error: include: 'gone.ini': No such file or directory\n"
              "    2 | include = gone.ini\n      |           ^~~~~~~~\n"
              "muster: m.ini: 1 error, nothing was run\n");
    write_file("m.ini", "[muster]\ninclude = {x}/sub\n[job a]\ntype = io\ncommand = x\n");
    load_says("m.ini:2:11: error: include: variable 'x' is not one of --define; others are not "
              "known yet\n"
              "    2 | include = {x}/sub\n      |           ^~~\n"
              "muster: m.ini: 1 error, nothing was run\n");
}

static void test_include_depth(void **state) {
    char name[32], text[64];

    (void)state;
    write_file("m.ini", "[muster]\ninclude = 1.ini\n[job a]\ntype = io\ncommand = x\n");
    for (int i = 1; i < 100; i++) {
        snprintf(name, sizeof name, "%d.ini", i);
        snprintf(text, sizeof text, "[muster]\ninclude = %d.ini\n", i + 1);
        write_file(name, text);
    }
    load_says("63.ini:2:11: error: include: files lie more than 64 deep in one another\n"
              "    2 | include = 64.ini\n      |           ^~~~~~\n"
              "muster: m.ini: 1 error, nothing was run\n");
}

static void test_missing_files(void **state) {
    (void)state;
    assert_int_equal(mkdir("d", 0755), 0);
    write_file("plain", "x");
    write_file("m.ini", "[defaults]\ntype = io\n[job a]\nexec = no-such-program\n[job b]\n"
                        "exec = ./plain\n[job c]\nexec = ./d\n[job e]\ncommand = x\ndir = gone\n"
                        "[job f]\ncommand = x\nstdin = file:gone\nstdout = file:gone/x\n"
                        "stderr = append:d\nenv-file = gone.env\nshell = /no/sh -c\n");
    load_says("m.ini:4:8: error: exec: no program 'no-such-program' in PATH\n"
              "    4 | exec = no-such-program\n      |        ^~~~~~~~~~~~~~~\n"
              "m.ini:6:8: error: exec: './plain': Permission denied\n"
              "    6 | exec = ./plain\n      |        ^~~~~~~\n"
              "m.ini:8:8: error: exec: './d': Is a directory\n"
              "    8 | exec = ./d\n      |        ^~~\n"
              "m.ini:11:7: error: dir: 'DIR/gone': No such file or directory\n"
              "   11 | dir = gone\n      |       ^~~~\n"
              "m.ini:14:9: error: stdin: 'DIR/gone': No such file or directory\n"
              "   14 | stdin = file:gone\n      |         ^~~~~~~~~\n"
              "m.ini:15:10: error: stdout: 'DIR/gone': No such file or directory\n"
              "   15 | stdout = file:gone/x\n      |          ^~~~~~~~~~~\n"
              "m.ini:16:10: error: stderr: 'DIR/d': Is a directory\n"
              "   16 | stderr = append:d\n      |          ^~~~~~~~\n"
              "m.ini:17:12: error: env-file: 'DIR/gone.env': No such file or directory\n"
              "   17 | env-file = gone.env\n      |            ^~~~~~~~\n"
              "m.ini:18:9: error: shell: '/no/sh': No such file or directory\n"
              "   18 | shell = /no/sh -c\n      |         ^~~~~~\n"
              "muster: m.ini: 9 errors, nothing was run\n");
}

/* What a job before may make is a warning, and is looked for when the job starts. */
static void test_made_before(void **state) {
    (void)state;
    write_file("m.ini", "[defaults]\ntype = io\n[job make]\ncommand = x\n[job a]\nafter = make\n"
                        "exec = ./prog\nenv-file = late.env\n");
    struct plan_case c = load();
    assert_string_equal(c.said,
                        "m.ini:7:8: warning: exec: './prog': No such file or directory (unless a "
                        "job before makes it)\n"
                        "    7 | exec = ./prog\n      |        ^~~~~~\n"
                        "m.ini:8:12: warning: env-file: 'DIR/late.env': No such file or directory "
                        "(unless a job before makes it)\n"
                        "    8 | env-file = late.env\n      |            ^~~~~~~~\n");
    char path[100];
    snprintf(path, sizeof path, "%s/late.env", folder);
    assert_null(c.plan->jobs[1].set->env_file->vars);
    assert_string_equal(c.plan->jobs[1].set->env_file->path, path);
    assert_null(c.plan->jobs[1].program);
    assert_string_equal(c.plan->jobs[0].program, "/bin/sh");
    plan_case_free(&c);
}

static void test_env_file(void **state) {
    (void)state;
    write_file("m.ini", "[job a]\ntype = io\ncommand = x\nenv-file = a.env\n");
    write_file("a.env", "# comment\n\n  \nA= x = 'y' # z \nB=\nA=2\nC=\xff\xfe");
    struct plan_case c = load();
    assert_string_equal(c.said, "");
    const struct env_var *env = c.plan->jobs[0].set->env_file->vars;
    assert_string_equal(env[0].name, "A");
    assert_string_equal(env[0].value, "2");
    assert_string_equal(env[1].value, "");
    assert_string_equal(env[2].value, "\xff\xfe");
    assert_null(env[3].name);
    plan_case_free(&c);
    write_file("a.env", "A = 1\nexport B=2\nMUSTER_JOB=x\n=1\nA=1\n");
    load_says("a.env:1:1: error: a line is NAME=value\n"
              "    1 | A = 1\n      | ^~~~~\n"
              "a.env:2:1: error: a line is NAME=value\n"
              "    2 | export B=2\n      | ^~~~~~~~~~\n"
              "a.env:4:1: error: a line is NAME=value\n"
              "    4 | =1\n      | ^~\n"
              "muster: m.ini: 3 errors, nothing was run\n");
    write_file("a.env", "MUSTER_JOB=x\nMUSTER_WORKER=x\nMUSTER_MINE=1\n");
    c = load();
    env = c.plan->jobs[0].set->env_file->vars;
    assert_string_equal(env[0].name, "MUSTER_MINE");
    assert_null(env[1].name);
    plan_case_free(&c);
}

static void test_path_of_the_job(void **state) {
    char path[100];

    (void)state;
    assert_int_equal(mkdir("bin", 0755), 0);
    write_file("bin/prog", "#!/bin/sh\n");
    assert_int_equal(chmod("bin/prog", 0755), 0);
    write_file("p.env", "PATH=/nowhere:bin\n");
    write_file("m.ini", "[job a]\ntype = io\nexec = prog\nenv-file = p.env\n[job b]\ntype = io\n"
                        "exec = prog\nenv.PATH = bin:/usr/bin\n");
    struct plan_case c = load();
    assert_string_equal(c.said, "");
    snprintf(path, sizeof path, "%s/bin/prog", folder);
    assert_string_equal(c.plan->jobs[0].program, path);
    assert_string_equal(c.plan->jobs[1].program, path);
    plan_case_free(&c);
}

static void test_writable_by_others(void **state) {
    (void)state;
    write_file("m.ini", "[muster]\ninclude = i.ini\n[job a]\ntype = io\ncommand = x\n"
                        "env-file = a.env\n");
    write_file("i.ini", "");
    write_file("a.env", "A=1\n");
    assert_int_equal(chmod("m.ini", 0666) | chmod("i.ini", 0602) | chmod("a.env", 0646), 0);
    load_says("muster: warning: m.ini is writable by others (mode 0666)\n"
              "m.ini:2:11: warning: include: i.ini is writable by others (mode 0602)\n"
              "    2 | include = i.ini\n      |           ^~~~~\n"
              "m.ini:6:12: warning: env-file: a.env is writable by others (mode 0646)\n"
              "    6 | env-file = a.env\n      |            ^~~~~\n");
    write_file("m.ini", "[job a]\ntype = io\ncommand = x\n");
    assert_int_equal(chmod("m.ini", 0644) | chmod(".", 0777), 0);
    load_says("muster: warning: the folder of m.ini is writable by others (mode 0777)\n");
    assert_int_equal(chmod(".", 01777), 0);
    load_says("");
}

static void test_the_word_at_fault_is_marked(void **state) {
    (void)state;
    write_file("m.ini", "[muster]\nreport = table, json:gone/r.json\n"
                        "[defaults]\ntype = io\n[job a]\nexec = 'no such' --fast\n"
                        "[job b]\nexec =\n  ./gone\n  x\n"
                        "[job c]\ncommand = x\nshell = no-such-shell -c\n");
    load_says("m.ini:2:17: warning: report: 'DIR/gone': No such file or directory (unless a job "
              "before makes it)\n"
              "    2 | report = table, json:gone/r.json\n      |                 ^~~~~~~~~~~~~~~~\n"
              "m.ini:6:8: error: exec: no program 'no such' in PATH\n"
              "    6 | exec = 'no such' --fast\n      |        ^~~~~~~~~\n"
              "m.ini:9:3: error: exec: './gone': No such file or directory\n"
              "    9 |   ./gone\n      |   ^~~~~~\n"
              "m.ini:13:9: error: shell: no program 'no-such-shell' in PATH\n"
              "   13 | shell = no-such-shell -c\n      |         ^~~~~~~~~~~~~\n"
              "muster: m.ini: 3 errors, nothing was run\n");
}

static void test_an_env_file_is_read_once(void **state) {
    (void)state;
    write_file("m.ini", "[defaults]\ntype = io\ncommand = x\n"
                        "[job a]\nenv-file = a.env\n[job b]\nenv-file = a.env\n"
                        "[job c]\nenv-file = ./a.env\n");
    write_file("a.env", "A=1\n");
    assert_int_equal(chmod("a.env", 0666), 0);
    struct plan_case c = load();
    assert_string_equal(c.said,
                        "m.ini:5:12: warning: env-file: a.env is writable by others (mode 0666)\n"
                        "    5 | env-file = a.env\n      |            ^~~~~\n");
    assert_string_equal(c.plan->jobs[2].set->env_file->vars[0].value, "1");
    plan_case_free(&c);
    write_file("a.env", "wrong\n");
    assert_int_equal(chmod("a.env", 0644), 0);
    load_says("a.env:1:1: error: a line is NAME=value\n"
              "    1 | wrong\n      | ^~~~~\n"
              "muster: m.ini: 1 error, nothing was run\n");
}

static void test_unreadable(void **state) {
    (void)state;
    load_says("muster: m.ini: No such file or directory\n"
              "muster: m.ini: 1 error, nothing was run\n");
    assert_int_equal(mkdir("m.ini", 0755), 0);
    load_says("muster: m.ini: Is a directory\n"
              "muster: m.ini: 1 error, nothing was run\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_twice),
        cmocka_unit_test(test_not_supported),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_spoilt),
        cmocka_unit_test(test_lanes),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_own_environment),
        cmocka_unit_test(test_long_command),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_cycles),
        cmocka_unit_test(test_deep),
        cmocka_unit_test(test_wanted_jobs),
        cmocka_unit_test(test_wanted_tags),
        cmocka_unit_test_setup_teardown(test_include, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(test_include_faults, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(test_include_depth, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(test_missing_files, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(test_made_before, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(test_env_file, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(test_path_of_the_job, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(test_writable_by_others, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(test_the_word_at_fault_is_marked, enter_folder,
                                        leave_folder),
        cmocka_unit_test_setup_teardown(test_an_env_file_is_read_once, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(test_unreadable, enter_folder, leave_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
