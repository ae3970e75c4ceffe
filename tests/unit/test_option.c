/* The option parser, the table of `bocal run`, and what is made from it. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/option.h"
#include "base/option_doc.h"
#include "base/text.h"
#include "command/run_man.h"
#include "command/run_table.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define ARGV(...) ((char *[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

struct fixture {
    struct arena arena;
    struct run_options run;
    bool help, seed, terminal;
};

static int set_up(void **state)
{
    error_clear();
    *state = calloc(1, sizeof(struct fixture));
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    arena_free(&((struct fixture *)*state)->arena);
    free(*state);
    return 0;
}

static struct run_options *parse(struct fixture *f, char **words)
{
    int result = run_parse(&f->arena, words, f->seed, f->terminal, &f->run, &f->help);
    if (result < 0)
        fail_msg("%s", error_text());
    return &f->run;
}

static void assert_refused(struct fixture *f, char **words, const char *sentence)
{
    error_clear();
    assert_true(run_parse(&f->arena, words, f->seed, f->terminal, &f->run, &f->help) < 0);
    assert_string_equal(error_text(), sentence);
}

static void test_spellings(void **state)
{
    static char *const same[][4] = {
        {"--memory", "1g", NULL}, {"--memory=1g", NULL},  {"-m", "1g", NULL},
        {"-m1g", NULL},           {"-m=1g", NULL},        {"-itm", "1g", NULL},
        {"-itm1g", NULL},         {"-it", "-m1g", NULL},  {"-m2g", "--memory=1g", NULL},
    };
    for (size_t i = 0; i < COUNT(same); i++)
        assert_string_equal(parse(*state, (char **)same[i])->memory, "1g");
    assert_string_equal(parse(*state, ARGV("--net=host"))->network, "host");
    assert_string_equal(parse(*state, ARGV("--oom-score-adj", "-500"))->oom_score_adj, "-500");
    assert_string_equal(parse(*state, ARGV("--name="))->name, "");
    assert_string_equal(parse(*state, ARGV("--name", ""))->name, "");
    assert_string_equal(parse(*state, ARGV("--sysctl", "--"))->sysctls.words[0], "--");
}

static void test_flags(void **state)
{
    static const struct {
        char *word;
        bool on;
    } cases[] = {{"-t", true},          {"--tty", true},        {"--tty=true", true},
                 {"--tty=false", false}, {"-t=false", false},    {"--tty=1", true},
                 {"--tty=0", false},     {"--tty=TRUE", true},   {"-it=False", false}};
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(parse(*state, ARGV(cases[i].word, "/x"))->tty, cases[i].on);
    static const struct {
        char *word;
        bool without;
    } inverted[] = {{"--init", false},      {"--no-init", true},   {"--init=true", false},
                    {"--init=false", true}, {"--privileged", false}};
    for (size_t i = 0; i < COUNT(inverted); i++)
        assert_int_equal(parse(*state, ARGV(inverted[i].word))->no_init, inverted[i].without);
    assert_true(parse(*state, ARGV("--sig-proxy=false"))->no_sig_proxy);
}

static void test_lists(void **state)
{
    struct run_options *run = parse(*state, ARGV("-e", "A=1", "-eB", "--env=C=3=4"));
    assert_int_equal(run->env.count, 3);
    assert_string_equal(run->env.words[0], "A=1");
    assert_string_equal(run->env.words[1], "B");
    assert_string_equal(run->env.words[2], "C=3=4");
}

/* Operands between options move behind them, in their order; those of a command stay where they are. */
static void test_operands(void **state)
{
    struct fixture *f = *state;
    static const struct option options[] = {
        {.name = "all", .letter = 'a', .kind = OPTION_FLAG, .offset = offsetof(struct run_options, tty)},
        {.name = "name", .kind = OPTION_TEXT, .metavar = "N", .offset = offsetof(struct run_options, name)},
    };
    const struct option_set mixed = {.program = "p", .verb = "v", .options = options, .count = COUNT(options)};
    struct option_set ordered = mixed;
    ordered.in_order = true;
    char **words = ARGV("one", "-a", "two", "--name", "x", "-", "--", "--all", "three");
    assert_int_equal(option_parse(&mixed, &f->arena, words, &f->run, &f->help), 4);
    static const char *const operands[] = {"one", "two", "-", "--all", "three"};
    for (size_t i = 0; i < COUNT(operands); i++)
        assert_string_equal(words[4 + i], operands[i]);
    assert_null(words[9]);
    assert_true(f->run.tty);
    assert_string_equal(f->run.name, "x");
    assert_int_equal(option_parse(&ordered, &f->arena, ARGV("-a", "one", "--name", "x"), &f->run, &f->help), 1);
    assert_true(option_parse(&mixed, &f->arena, ARGV("one", "--nam"), &f->run, &f->help) < 0);
    assert_int_equal(option_parse(&mixed, &f->arena, ARGV("one", "--help", "--no-such"), &f->run, &f->help), 1);
    assert_true(f->help);
}

static void test_many_and_large(void **state)
{
    enum { MANY = 50000, LARGE = 1 << 20 };
    auto_free char **words = calloc(MANY + 3, sizeof *words);
    auto_free char *large = malloc(LARGE + 1);
    memset(large, 'x', LARGE);
    large[LARGE] = '\0';
    for (size_t i = 0; i < MANY; i++)
        words[i] = "-eA";
    words[MANY] = "--env";
    words[MANY + 1] = large;
    struct run_options *run = parse(*state, words);
    assert_int_equal(run->env.count, MANY + 1);
    assert_ptr_equal(run->env.words[MANY], large);
    memcpy(large, "--", 2);
    error_clear();
    assert_true(run_parse(&((struct fixture *)*state)->arena, ARGV(large), false, false, run,
                          &((struct fixture *)*state)->help) < 0);
    assert_true(strlen(error_text()) < 200);
}

static void test_choices(void **state)
{
    assert_int_equal(parse(*state, ARGV("/x"))->explain, EXPLAIN_OFF);
    assert_int_equal(parse(*state, ARGV("--explain", "/x"))->explain, EXPLAIN_TEXT);
    assert_int_equal(parse(*state, ARGV("--explain=json", "/x"))->explain, EXPLAIN_JSON);
    assert_int_equal(parse(*state, ARGV("--dry-run", "/json"))->dry_run, DRY_RUN_PLAN);
    assert_int_equal(parse(*state, ARGV("--dry-run=oci"))->dry_run, DRY_RUN_OCI);
    assert_int_equal(parse(*state, ARGV("--dry-run=json"))->dry_run, DRY_RUN_JSON);
}

static void test_command_words_are_left_alone(void **state)
{
    struct run_options *run = parse(*state, ARGV("-i", "/bin/ls", "-l", "--memory", "--help"));
    assert_string_equal(run->command[0], "/bin/ls");
    assert_string_equal(run->command[3], "--help");
    assert_null(run->command[4]);
    assert_null(run->memory);
    run = parse(*state, ARGV("--", "/bin/ls", "--"));
    assert_string_equal(run->command[1], "--");
    run = parse(*state, ARGV("--rootfs", "/srv", "ls", "-l"));
    assert_string_equal(run->command[0], "ls");
    assert_null(parse(*state, ARGV(NULL))->command[0]);
}

static void test_help(void **state)
{
    struct fixture *f = *state;
    parse(f, ARGV("-i", "--help", "--nonsense"));
    assert_true(f->help);
    parse(f, ARGV("-h", "box"));
    assert_false(f->help);
    assert_string_equal(f->run.hostname, "box");
}

static void test_manners(void **state)
{
    struct fixture *f = *state;
    assert_false(parse(f, ARGV(NULL))->tty);
    f->terminal = true;
    assert_true(parse(f, ARGV(NULL))->tty && f->run.interactive && !f->run.announce);
    assert_false(parse(f, ARGV("--tty=false"))->tty);
    assert_int_equal(parse(f, ARGV("-eA", "-eB"))->env.count, 2);
    assert_false(parse(f, ARGV("/bin/sh"))->tty);
    f->seed = true;
    assert_true(parse(f, ARGV("/bin/sh"))->tty && f->run.interactive && f->run.announce);
    assert_false(parse(f, ARGV("--verbose=false", "/bin/sh"))->announce);
    f->terminal = false;
    assert_true(!parse(f, ARGV("/bin/sh"))->tty && f->run.interactive);
}

static void test_refusals(void **state)
{
    static const struct {
        char *words[4];
        const char *sentence;
    } cases[] = {
        {{"--memroy", "5"},
         "unknown option --memroy (did you mean --memory? see bocal run --help)"},
        {{"--memor=5"}, "unknown option --memor (did you mean --memory? see bocal run --help)"},
        {{"--no-int"}, "unknown option --no-int (did you mean --no-init? see bocal run --help)"},
        {{"--no-tty"}, "unknown option --no-tty (did you mean --tty=false? see bocal run --help)"},
        {{"--quux"}, "unknown option --quux (see bocal run --help)"},
        {{"--="}, "unknown option -- (see bocal run --help)"},
        {{"--fact"}, "unknown option --fact (see bocal run --help)"},
        {{"-z"}, "unknown option -z (see bocal run --help)"},
        {{"-itz"}, "unknown option -z in -itz (see bocal run --help)"},
        {{"--\033[1m"}, "unknown option --?[1m (see bocal run --help)"},
        {{"-i", "--memory"}, "option --memory: its value is missing (--memory BYTES)"},
        {{"-itm"}, "option -m: its value is missing (-m BYTES)"},
        {{"--tty=maybe"}, "--tty=maybe: neither true nor false"},
        {{"-t="}, "-t=: neither true nor false"},
        {{"--no-init=true"}, "--no-init=true: this option takes no value"},
        {{"--explain=loud"}, "--explain=loud: no such value (one of off, text, json)"},
        {{"--explain="}, "--explain=: no such value (one of off, text, json)"},
        {{""}, "the command is empty (see bocal run --help)"},
        {{"--", ""}, "the command is empty (see bocal run --help)"},
        {{"./root"}, "./root: not an image (a directory is given by --rootfs DIR, a command begins with /)"},
        {{"--rm=false", "/x"},
         "--rm=false: keeping containers after their end is not built yet (leave it out)"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(*state, (char **)cases[i].words, cases[i].sentence);
}

static void test_slips(void **state)
{
    (void)state;
    assert_int_equal(option_slips("memory", "memory"), 1); /* a beginning of itself */
    assert_int_equal(option_slips("memroy", "memory"), 1);
    assert_int_equal(option_slips("vesion", "version"), 1);
    assert_int_equal(option_slips("x", "xy"), UINT_MAX);
    assert_int_equal(option_slips("publish", "privileged"), UINT_MAX);
}

/* ---- the table ---- */

static void assert_option_sound(const struct option_set *set, const struct option *option)
{
    assert_true(option->name && option->help);
    assert_null(strchr(option->help, '\n'));
    assert_true(option->help[strlen(option->help) - 1] != '.');
    assert_true((option->metavar != NULL) == (option->kind != OPTION_FLAG));
    assert_true(!option->inverted || option->kind == OPTION_FLAG);
    assert_true((option->value == VALUE_WORDS) == (option->words != NULL));
    FOR_OPTIONS(other, set) {
        if (other == option)
            continue;
        assert_string_not_equal(other->name, option->name);
        assert_true(!option->alias || strcmp(other->name, option->alias) != 0);
        assert_true(!option->letter || other->letter != option->letter);
        assert_true(other->offset != option->offset);
    }
}

static void test_table_is_sound(void **state)
{
    (void)state;
    assert_non_null(run_set.options->group);
    FOR_OPTIONS(o, &run_set)
        assert_option_sound(&run_set, o);
}

static void test_every_option_fills_its_field(void **state)
{
    struct fixture *f = *state;
    FOR_OPTIONS(o, &run_set) {
        static const char *const values[] = {
            [OPTION_TEXT] = "=7",
            [OPTION_LIST] = "=7",
            [OPTION_NUMBER] = "=7",
        };
        enum { SECOND = 1 }; /* of a choice's words */
        const char *value = o->inverted ? "=false" : values[o->kind];
        char word[128];
        if (o->kind == OPTION_CHOICE)
            snprintf(word, sizeof word, "--%s=%s", o->name, o->words[SECOND]);
        else
            snprintf(word, sizeof word, "--%s%s", o->name, value ? value : "");
        const char *base = (const char *)parse(f, ARGV(word, "/x"));
        const void *field = base + o->offset;
        if (o->kind == OPTION_FLAG) {
            assert_true(*(const bool *)field);
        } else if (o->kind == OPTION_TEXT) {
            assert_string_equal(*(const char *const *)field, "7");
        } else if (o->kind == OPTION_LIST) {
            assert_int_equal(((const struct word_list *)field)->count, 1);
        } else if (o->kind == OPTION_NUMBER) {
            assert_int_equal(*(const int *)field, 7);
        } else {
            assert_int_equal(*(const unsigned *)field, SECOND);
        }
    }
}

/* ---- documents ---- */

typedef void writer(FILE *out);

static char *written(writer *write)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    write(out);
    fclose(out);
    return text;
}

static void write_help(FILE *out)
{
    option_help(out, &run_set, 80);
}

static void write_narrow_help(FILE *out)
{
    option_help(out, &run_set, 3);
}

static void write_man(FILE *out)
{
    option_man(out, &run_set, &run_prose);
}

static void write_completion(FILE *out, option_complete *complete)
{
    const struct option_set *const sets[] = {&run_set};
    complete(out, "bocal", sets, COUNT(sets));
}

static void write_bash(FILE *out)
{
    write_completion(out, option_complete_bash);
}

static void write_zsh(FILE *out)
{
    write_completion(out, option_complete_zsh);
}

static void write_fish(FILE *out)
{
    write_completion(out, option_complete_fish);
}

static void test_documents_name_every_option(void **state)
{
    static writer *const writers[] = {write_help, write_narrow_help, write_man,
                                      write_bash, write_zsh,         write_fish};
    (void)state;
    for (size_t i = 0; i < COUNT(writers); i++) {
        auto_free char *text = written(writers[i]);
        FOR_OPTIONS(o, &run_set)
            if ((strstr(text, o->name) != NULL) == o->hidden)
                fail_msg("writer %zu: option %s is hidden: %d", i, o->name, o->hidden);
    }
}

static void test_help_fits(void **state)
{
    (void)state;
    auto_free char *text = written(write_help);
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 80);
    assert_non_null(strstr(text, "\n  -m, --memory BYTES  "));
    assert_non_null(strstr(text, "\n      --explain[=text|json] "));
    assert_non_null(strstr(text, "\n      --[no-]init "));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_spellings),
        TEST(test_flags),
        TEST(test_lists),
        TEST(test_operands),
        TEST(test_many_and_large),
        TEST(test_choices),
        TEST(test_command_words_are_left_alone),
        TEST(test_help),
        TEST(test_manners),
        TEST(test_refusals),
        TEST(test_slips),
        TEST(test_table_is_sound),
        TEST(test_every_option_fills_its_field),
        TEST(test_documents_name_every_option),
        TEST(test_help_fits),
    };
    return cmocka_run_group_tests_name("option", tests, NULL, NULL);
}
