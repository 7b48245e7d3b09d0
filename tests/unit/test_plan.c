/* SPDX-License-Identifier: MIT */
/* test_plan: values, variables and layers: what ends up in the jobs. */
#include <signal.h>

#include "base/clock.h"
#include "plan_case.h"

static const struct plan_job *job(const struct plan_case *c, const char *name) {
    uint32_t i = 0;

    while (i < c->plan->njobs && strcmp(c->plan->jobs[i].name, name))
        i++;
    assert_true(i < c->plan->njobs);
    return &c->plan->jobs[i];
}

static const char *env_value(const struct env_var *env, const char *name) {
    const char *value = NULL;

    for (; env->name; env++)
        if (!strcmp(env->name, name)) {
            assert_null(value); /* names are unique */
            value = env->value;
        }
    return value ? value : "(none)";
}

static void assert_words(const char *const *words, const char *const *expected) {
    for (; *expected; words++, expected++)
        assert_string_equal(*words ? *words : "(end)", *expected);
    assert_null(*words);
}

static void test_built_in_defaults(void **state) {
    struct plan_case c = plan_case_good("[job a]\ntype = io\ncommand = true\n");
    const struct plan_job *a = job(&c, "a");

    (void)state;
    assert_string_equal(c.plan->name, "m");
    assert_int_equal(c.plan->io_limit, 64);
    assert_int_equal(c.plan->cpu_workers, 2);
    assert_int_equal(c.plan->deadline_ns, 0);
    assert_int_equal(c.plan->on_failure, ON_FAILURE_CONTINUE);
    assert_int_equal(c.plan->max_failures, 1);
    assert_int_equal(c.plan->max_retries, COUNT_UNLIMITED);
    assert_int_equal(c.plan->output, OUTPUT_FAILED);
    assert_int_equal(c.plan->nreports, 0);
    assert_null(c.plan->vars->name);
    assert_null(c.plan->env->name);
    assert_int_equal(a->set->type, LANE_IO);
    assert_int_equal(a->action, ACTION_COMMAND);
    assert_string_equal(a->command, "true");
    assert_words(a->set->shell, (const char *const[]){"/bin/sh", "-c", NULL});
    assert_string_equal(a->set->dir, "/");
    assert_null(a->env->name);
    assert_null(a->set->env_file);
    assert_false(a->set->clear_env);
    assert_int_equal(a->set->in.kind, STREAM_NULL);
    assert_int_equal(a->set->out.kind, STREAM_CAPTURE);
    assert_int_equal(a->set->err.kind, STREAM_STDOUT);
    assert_int_equal(a->set->timeout_ns, 0);
    assert_int_equal(a->set->kill_after_ns, 5 * NS_PER_S);
    assert_int_equal(a->set->stop_signal, SIGTERM);
    assert_int_equal(a->set->retries, 0);
    assert_int_equal(a->set->retry_delay_ns, NS_PER_S);
    assert_int_equal(a->set->retry_max_delay_ns, 60 * NS_PER_S);
    assert_true(a->set->retry_backoff == 2 && a->set->retry_jitter == 0.5);
    assert_true(a->set->retry_on.any);
    assert_true(exit_set_has(&a->set->ok_exit, 0) && !exit_set_has(&a->set->ok_exit, 1));
    for (int i = 0; i < 256; i++)
        assert_false(exit_set_has(&a->set->skip_exit, i));
    assert_false(a->set->allow_failure);
    assert_int_equal(a->set->when, WHEN_SUCCESS);
    assert_int_equal(a->nafter, 0);
    assert_int_equal(a->set->cpus, 1);
    assert_int_equal(a->set->nice, 0);
    assert_int_equal(a->set->priority, 0);
    plan_case_free(&c);
}

static void test_every_key(void **state) {
    struct plan_case c = plan_case_good("[muster]\n"
                                        "name = the run\n"
                                        "io-limit = 3\n"
                                        "cpu-workers = 7\n"
                                        "deadline = 1h30m\n"
                                        "on-failure = drain\n"
                                        "max-failures = 2\n"
                                        "max-retries = 0\n"
                                        "output = group\n"
                                        "report = json:out/r.json, table\n"
                                        "lock = skip\n"
                                        "shell = /bin/bash -eu -c\n"
                                        "[env]\n"
                                        "LANG = C\n"
                                        "[job z]\n"
                                        "type = io\n"
                                        "command = true\n"
                                        "[job a]\n"
                                        "type = cpu\n"
                                        "exec = prog 'a b' \"\" c\\ d\n"
                                        "dir = sub/./x\n"
                                        "env.A = 1\n"
                                        "env.B =\n"
                                        "clear-env = on\n"
                                        "stdin = file:in\n"
                                        "stdout = append:/var/log/x\n"
                                        "stderr = capture\n"
                                        "shell = /bin/dash -c\n"
                                        "timeout = 250ms\n"
                                        "kill-after = 0\n"
                                        "stop-signal = SIGINT\n"
                                        "retries = 3\n"
                                        "retry-delay = 2\n"
                                        "retry-backoff = 1.5\n"
                                        "retry-max-delay = 1d\n"
                                        "retry-jitter = 0\n"
                                        "retry-on = exit:1-3 timeout exit:75\n"
                                        "ok-exit = 3\n"
                                        "skip-exit = 77\n"
                                        "allow-failure = yes\n"
                                        "after = z\n"
                                        "when = always\n"
                                        "cpus = 7\n"
                                        "nice = -5\n"
                                        "max-memory = 64M\n"
                                        "max-cpu-time = 90\n"
                                        "max-open-files = 64\n"
                                        "max-file-size = 1G\n"
                                        "priority = -1\n"
                                        "pty = no\n"
                                        "slow = 0s\n"
                                        "service = off\n"
                                        "jobserver = no\n");
    const struct plan_job *a = job(&c, "a");

    (void)state;
    assert_string_equal(c.plan->name, "the run");
    assert_int_equal(c.plan->io_limit, 3);
    assert_int_equal(c.plan->cpu_workers, 7);
    assert_int_equal(c.plan->deadline_ns, 5400 * NS_PER_S);
    assert_int_equal(c.plan->on_failure, ON_FAILURE_DRAIN);
    assert_int_equal(c.plan->max_failures, 2);
    assert_int_equal(c.plan->max_retries, 0);
    assert_int_equal(c.plan->output, OUTPUT_GROUP);
    assert_int_equal(c.plan->lock, LOCK_SKIP);
    assert_int_equal(c.plan->nreports, 2);
    assert_int_equal(c.plan->reports[0].format, REPORT_JSON);
    assert_string_equal(c.plan->reports[0].file, "/out/r.json");
    assert_int_equal(c.plan->reports[1].format, REPORT_TABLE);
    assert_null(c.plan->reports[1].file);
    assert_string_equal(env_value(c.plan->env, "LANG"), "C");
    assert_words(job(&c, "z")->set->shell, (const char *const[]){"/bin/bash", "-eu", "-c", NULL});
    assert_int_equal(a->set->type, LANE_CPU);
    assert_int_equal(a->action, ACTION_EXEC);
    assert_words(a->argv, (const char *const[]){"prog", "a b", "", "c d", NULL});
    assert_string_equal(a->set->dir, "/sub/./x");
    assert_string_equal(env_value(a->env, "A"), "1");
    assert_string_equal(env_value(a->env, "B"), "");
    assert_true(a->set->clear_env);
    assert_int_equal(a->set->in.kind, STREAM_FILE);
    assert_string_equal(a->set->in.text, "/in");
    assert_int_equal(a->set->out.kind, STREAM_APPEND);
    assert_string_equal(a->set->out.text, "/var/log/x");
    assert_int_equal(a->set->err.kind, STREAM_CAPTURE);
    assert_words(a->set->shell, (const char *const[]){"/bin/dash", "-c", NULL});
    assert_int_equal(a->set->timeout_ns, 250 * NS_PER_MS);
    assert_int_equal(a->set->kill_after_ns, 0);
    assert_int_equal(a->set->stop_signal, SIGINT);
    assert_int_equal(a->set->retries, 3);
    assert_int_equal(a->set->retry_delay_ns, 2 * NS_PER_S);
    assert_int_equal(a->set->retry_max_delay_ns, 86400 * NS_PER_S);
    assert_true(a->set->retry_backoff == 1.5 && a->set->retry_jitter == 0);
    assert_false(a->set->retry_on.any || a->set->retry_on.signal || a->set->retry_on.spawn);
    assert_true(a->set->retry_on.timeout);
    assert_true(exit_set_has(&a->set->retry_on.exits, 2) &&
                exit_set_has(&a->set->retry_on.exits, 75));
    assert_false(exit_set_has(&a->set->retry_on.exits, 4));
    assert_true(exit_set_has(&a->set->ok_exit, 3) && !exit_set_has(&a->set->ok_exit, 0));
    assert_true(exit_set_has(&a->set->skip_exit, 77));
    assert_int_equal(a->set->limits.memory, 64 << 20);
    assert_int_equal(a->set->limits.cpu_ns, 90 * NS_PER_S);
    assert_int_equal(a->set->limits.open_files, 64);
    assert_int_equal(a->set->limits.file_bytes, 1 << 30);
    assert_true(a->set->allow_failure);
    assert_int_equal(a->nafter, 1);
    assert_int_equal(a->set->when, WHEN_ALWAYS);
    assert_int_equal(a->set->cpus, 7);
    assert_int_equal(a->set->nice, -5);
    assert_int_equal(a->set->priority, -1);
    plan_case_free(&c);
}

/* A command arrives byte for byte, whatever is in it. */
static void test_command_bytes(void **state) {
    char text[16 << 10], *to = text;
    static const char odd[] = "a; b # c \"d\" 'e' = {x} {{y}} $z \\ [j] \xc3\xb6 ";

    (void)state;
    to = stpcpy(to, "[job a]\ntype = io\ncommand = ");
    char *from = to;
    while (to - from < 10 << 10)
        to = stpcpy(to, odd);
    to[-1] = '.';
    struct plan_case c = plan_case_good(text);
    assert_string_equal(job(&c, "a")->command, from);
    plan_case_free(&c);
}

static void test_stdin_text(void **state) {
    static const struct {
        const char *value, *text;
    } cases[] = {
        {"text:", ""},
        {"text:one line", "one line"},
        {"text:one\n  two", "one\ntwo\n"},
        {"\n  text:one\n  two", "one\ntwo\n"},
        {"text:\n  one\n    two", "\none\n  two\n"},
        {"text:# {{x}}", "# {x}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text, "[job a]\ntype = io\ncommand = cat\nstdin = %s\n",
                 cases[i].value);
        struct plan_case c = plan_case_good(text);
        assert_int_equal(job(&c, "a")->set->in.kind, STREAM_TEXT);
        assert_string_equal(job(&c, "a")->set->in.text, cases[i].text);
        plan_case_free(&c);
    }
}

static void test_variables(void **state) {
    struct plan_case c = plan_case_good("[job a]\n"
                                        "type = {lane}\n"
                                        "exec = {prog} {two} x{two}y \"{two}\" '{two}' {{two}} {}\n"
                                        "dir = /srv/{ lane }/{2}/{two words}/{two\n"
                                        "env.V = }}{two}{{}\n"
                                        "timeout = {n}s\n"
                                        "retry-on = {why} exit:{codes} exit:{n}5\n"
                                        "ok-exit = {codes}\n"
                                        "[vars]\n"
                                        "why = timeout\n"
                                        "codes = 1-3,9\n"
                                        "outer = {inner}-{inner}\n"
                                        "inner = <{two}>\n"
                                        "two = a b\n"
                                        "lane = io\n"
                                        "prog = echo\n"
                                        "n = 7\n"
                                        "brace = {{two}}\n"
                                        "empty =\n"
                                        "lines = x\n"
                                        "  y\n");
    const struct plan_job *a = job(&c, "a");

    (void)state;
    assert_words(a->argv,
                 (const char *const[]){"echo", "a b", "xa by", "a b", "a b", "{two}", "{}", NULL});
    assert_string_equal(a->set->dir, "/srv/{ lane }/{2}/{two words}/{two");
    assert_string_equal(env_value(a->env, "V"), "}a b{}");
    assert_int_equal(a->set->timeout_ns, 7 * NS_PER_S);
    assert_true(a->set->retry_on.timeout && !a->set->retry_on.any);
    assert_true(exit_set_has(&a->set->retry_on.exits, 9) &&
                exit_set_has(&a->set->retry_on.exits, 75));
    assert_true(exit_set_has(&a->set->ok_exit, 2) && exit_set_has(&a->set->ok_exit, 9));
    assert_string_equal(env_value(c.plan->vars, "outer"), "<a b>-<a b>");
    /* What is put in is not looked at again. */
    assert_string_equal(env_value(c.plan->vars, "brace"), "{two}");
    assert_string_equal(env_value(c.plan->vars, "empty"), "");
    assert_string_equal(env_value(c.plan->vars, "lines"), "x\ny");
    plan_case_free(&c);
}

static void test_defines(void **state) {
    static const char text[] = "[vars]\nwho = {nobody}\nother = <{who}>\n"
                               "[job a]\ntype = io\nexec = echo {who} {new} {other}\n";
    const char *defines[] = {"who=x", "who={y} a", "new=", "eq=a=b", NULL};
    struct plan_opts opts = {.path = "m.ini", .cpus = 1, .defines = defines};
    struct plan_case c;

    (void)state;
    assert_int_equal(plan_load_bytes(&opts, text, sizeof text - 1, &c.plan, &c.diag), 0);
    c.said = NULL;
    /* The last one counts, as it is, over what the manifest says. */
    assert_words(job(&c, "a")->argv, (const char *const[]){"echo", "{y} a", "", "<{y} a>", NULL});
    assert_string_equal(env_value(c.plan->vars, "eq"), "a=b");
    plan_case_free(&c);
    static const char plain[] = "[job a]\ntype = io\ncommand = true\n";
    const char *bad[] = {"x", "=y", "1=2", "PATH=/x", "LD_PRELOAD=x", "MUSTER_A=1", NULL};
    opts.defines = bad;
    assert_int_equal(plan_load_bytes(&opts, plain, sizeof plain - 1, &c.plan, &c.diag), UV_EINVAL);
    c.said = plan_case_render(c.diag, "m.ini");
    assert_string_equal(
        c.said,
        "muster: --define: 'x' is not NAME=VALUE\n"
        "muster: --define: '=y' is not NAME=VALUE\n"
        "muster: --define: '1' is not the name of a variable (letters, digits and '_', no digit "
        "first)\n"
        "muster: --define: 'PATH' cannot be a variable: it steers the loader or the shell\n"
        "muster: --define: 'LD_PRELOAD' cannot be a variable: it steers the loader or the shell\n"
        "muster: --define: 'MUSTER_A' cannot be a variable: names in MUSTER_ are muster's own\n"
        "muster: m.ini: 6 errors, nothing was run\n");
    plan_case_free(&c);
}

static void test_variable_faults(void **state) {
    (void)state;
    plan_case_says(
        "[vars]\nhost = x\n[job a]\ntype = io\nexec = ssh {hots} 'a {b}'\n",
        "m.ini:5:12: error: exec: variable 'hots' is not declared; did you mean 'host'?\n"
        "    5 | exec = ssh {hots} 'a {b}'\n"
        "      |            ^~~~~~\n"
        "m.ini:5:19: error: exec: variable 'b' is not declared\n"
        "    5 | exec = ssh {hots} 'a {b}'\n"
        "      |                   ^~~~~~~\n"
        "muster: m.ini: 2 errors, nothing was run\n");
    plan_case_messages("[vars]\na = {b}\nb = {c}\nc = {a}\nd = {a}\ne = {e}\n[job j]\ntype = io\n"
                       "command = true\n",
                       "m.ini:2:1: error: a: cycle: a uses b uses c uses a\n"
                       "m.ini:6:1: error: e: cycle: e uses e\n");
    plan_case_messages("[vars]\nPATH = x\nLD_X = y\na-b = 1\nIFS = ,\nMUSTER_X = 1\nHOME = /x\n"
                       "[job j]\ntype = io\ncommand = true\n",
                       "m.ini:2:1: error: 'PATH' cannot be a variable: it steers the loader or the "
                       "shell\n"
                       "m.ini:3:1: error: 'LD_X' cannot be a variable: it steers the loader or the "
                       "shell\n"
                       "m.ini:4:1: error: 'a-b' is not the name of a variable (letters, digits and "
                       "'_', no digit first)\n"
                       "m.ini:5:1: error: 'IFS' cannot be a variable: it steers the loader or the "
                       "shell\n"
                       "m.ini:6:1: error: 'MUSTER_X' cannot be a variable: names in MUSTER_ are "
                       "muster's own\n");
    /* A place in a further line of a value. */
    plan_case_messages("[job j]\ntype = io\nexec = a\n    b\n  {c} d\n",
                       "m.ini:5:3: error: exec: variable 'c' is not declared\n");
    plan_case_messages("[job j]\ntype = io\ncommand = true\nenv.A = x\n  y {c} d\n",
                       "m.ini:5:5: error: env.A: variable 'c' is not declared\n");
}

/* Texts for a shell stay as they are; who names a variable in one is told. */
static void test_shell_texts(void **state) {
    struct plan_case c = plan_case_text("[vars]\nx = 1\n[job a]\ntype = io\n"
                                        "command = echo ${x} {{x}} {y} '{x}' {x}\n");

    (void)state;
    assert_int_equal(c.diag->errors, 0);
    assert_string_equal(c.said,
                        "m.ini:5:32: warning: command: '{x}' stays as it is in a text for the "
                        "shell; \"$x\" is its value\n"
                        "    5 | command = echo ${x} {{x}} {y} '{x}' {x}\n"
                        "      |                                ^~~\n");
    assert_string_equal(job(&c, "a")->command, "echo ${x} {{x}} {y} '{x}' {x}");
    plan_case_free(&c);
}

/* Each layer replaces a key whole; the action is one slot, each env.NAME one of its own. */
static void test_layers(void **state) {
    struct plan_case c = plan_case_good("[defaults]\n"
                                        "type = io\n"
                                        "timeout = 1\n"
                                        "retries = 1\n"
                                        "env.A = d\n"
                                        "env.D = d\n"
                                        "after = first\n"
                                        "command = d\n"
                                        "use = base\n"
                                        "[template base]\n"
                                        "retries = 2\n"
                                        "env.A = base\n"
                                        "env.B = base\n"
                                        "exec = base\n"
                                        "[template over]\n"
                                        "timeout = 3\n"
                                        "env.B = over\n"
                                        "[job first]\n"
                                        "after =\n"
                                        "use =\n"
                                        "[job plain]\n"
                                        "[job both]\n"
                                        "use = over, base\n"
                                        "[job own]\n"
                                        "use = base over\n"
                                        "env.A = own\n"
                                        "command = own\n"
                                        "after = first plain\n");
    const struct plan_job *first = job(&c, "first"), *plain = job(&c, "plain"),
                          *both = job(&c, "both"), *own = job(&c, "own");

    (void)state;
    assert_int_equal(first->nafter, 0);
    assert_int_equal(first->set->retries, 1);
    assert_string_equal(first->command, "d");
    assert_string_equal(env_value(first->env, "A"), "d");
    assert_int_equal(plain->nafter, 1);
    assert_int_equal(plain->set->retries, 2);
    assert_int_equal(plain->set->timeout_ns, NS_PER_S);
    assert_int_equal(plain->action, ACTION_EXEC);
    assert_null(plain->command);
    assert_string_equal(env_value(plain->env, "A"), "base");
    assert_string_equal(env_value(plain->env, "D"), "d");
    assert_int_equal(both->set->timeout_ns, 3 * NS_PER_S);
    assert_string_equal(env_value(both->env, "B"), "base");
    assert_int_equal(own->action, ACTION_COMMAND);
    assert_null(own->argv);
    assert_string_equal(own->command, "own");
    assert_int_equal(own->nafter, 2);
    assert_string_equal(env_value(own->env, "A"), "own");
    assert_string_equal(env_value(own->env, "B"), "over");
    assert_string_equal(env_value(own->env, "D"), "d");
    plan_case_free(&c);
}

/* Jobs whose layers come to the same have the same settings, whatever they do and come after. */
static void test_shared_settings(void **state) {
    struct plan_case c = plan_case_good("[defaults]\ntype = io\ncpus = 2\nenv.A = 1\n"
                                        "[template t]\ntimeout = 5s\n"
                                        "[job a]\nexec = x\n"
                                        "[job b]\ncommand = y\nafter = a\nenv.B = 2\n"
                                        "[job c]\nexec = x\nuse = t\n"
                                        "[job d]\nexec = x\ntimeout = 5000ms\n"
                                        "[job e]\nexec = x\ntimeout = 6s\n"
                                        "[job f]\nexec = x\ntype = cpu\n"
                                        "[job g]\nexec = x\nretries = 1\n"
                                        "[job h]\nexec = x\nnice = 1\n"
                                        "[job i]\nexec = x\nstdout = null\n"
                                        "[job j]\nexec = x\nuse = t\ntype = io\n");
    const struct plan_job *jobs = c.plan->jobs;

    (void)state;
    assert_ptr_equal(jobs[0].set, jobs[1].set);
    assert_int_equal(jobs[0].set->cpus, 1);
    assert_string_equal(env_value(jobs[1].env, "B"), "2");
    assert_string_equal(env_value(jobs[1].env, "A"), "1");
    assert_ptr_equal(jobs[0].env, jobs[2].env);
    assert_ptr_equal(jobs[2].set, jobs[3].set);
    for (int i = 3; i < 9; i++)
        for (int k = i + 1; k < 9; k++)
            assert_ptr_not_equal(jobs[i].set, jobs[k].set);
    assert_int_equal(jobs[5].set->type, LANE_CPU);
    assert_int_equal(jobs[5].set->cpus, 2);
    assert_int_equal(jobs[5].set->timeout_ns, 0);
    /* However many there were in between. */
    assert_memory_equal(jobs[9].set, jobs[2].set, sizeof *jobs[9].set);
    assert_int_equal(jobs[9].set->timeout_ns, 5 * NS_PER_S);
    plan_case_free(&c);
}

/* Weakest first: muster's own, [env], env-file, env.NAME. */
static void test_path(void **state) {
    struct plan_case c = plan_case_good("[job a]\ntype = io\ncommand = true\nenv.PATH = /job\n"
                                        "[job b]\ntype = io\ncommand = true\nclear-env = yes\n"
                                        "env.OTHER = x\nenv-file = x.env\n");
    const struct plan_job *a = job(&c, "a"), *b = job(&c, "b");
    static const struct env_var of_file[] = {{"A", "1"}, {"PATH", "/file"}, {NULL, NULL}};

    (void)state;
    assert_int_equal(setenv("PATH", "/x", 1), 0);
    assert_null(c.plan->search_path);
    assert_string_equal(plan_job_path(c.plan, a), "/job");
    assert_string_equal(plan_job_path(c.plan, b), "/x");
    /* From memory no env-file is read. */
    struct env_file file = {.vars = of_file};
    struct job_settings set = *b->set;
    struct plan_job with_file = *b;
    assert_null(set.env_file->vars);
    set.env_file = &file;
    with_file.set = &set;
    assert_string_equal(plan_job_path(c.plan, &with_file), "/file");
    plan_case_free(&c);
    c = plan_case_good("[env]\nB = env\nPATH = /env\nC = env\n"
                       "[job a]\ntype = io\ncommand = true\nenv.PATH = /job\n"
                       "[job b]\ntype = io\ncommand = true\n");
    assert_string_equal(plan_job_path(c.plan, job(&c, "a")), "/job");
    assert_string_equal(plan_job_path(c.plan, job(&c, "b")), "/env");
    assert_int_equal(unsetenv("PATH"), 0);
    assert_string_equal(plan_job_path(c.plan, job(&c, "b")), "/env");
    plan_case_free(&c);
    c = plan_case_good("[job a]\ntype = io\ncommand = true\n");
    assert_null(plan_job_path(c.plan, job(&c, "a")));
    plan_case_free(&c);
}

/* Sections and names that inih would merge or lose. */
static void test_long_names(void **state) {
    char name[201], text[1000];

    (void)state;
    memset(name, 'n', 200);
    name[200] = '\0';
    snprintf(
        text, sizeof text,
        "[job %s]\ntype = io\ncommand = 1\n[job %.199sx]\ntype = cpu\ncommand = 2\nafter = %s\n",
        name, name, name);
    struct plan_case c = plan_case_good(text);
    assert_int_equal(c.plan->njobs, 2);
    assert_string_equal(c.plan->jobs[0].name, name);
    assert_int_equal(c.plan->jobs[1].after[0], 0);
    plan_case_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_built_in_defaults),
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_command_bytes),
        cmocka_unit_test(test_stdin_text),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_defines),
        cmocka_unit_test(test_variable_faults),
        cmocka_unit_test(test_shell_texts),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_shared_settings),
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_long_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
