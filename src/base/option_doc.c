/* Help, manual and completion of option tables. Each is one walk over the table that prints; the
 * texts of a table are plain sentences, and each writer quotes them for its own reader (scdoc, a
 * shell's single quotes, zsh's _arguments), so that nobody who adds an option has to know them.
 *
 * The completion scripts hold the tables' data and a fixed logic around it. They never call bocal
 * back: completing a word must not start anything. */
#include "base/option_doc.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>

/* ---- common ---- */

#define FOR_SHOWN(o, set)  \
    FOR_OPTIONS(o, set)    \
        if (!o->hidden)

/* Writes TEXT with BACKSLASHED characters behind a backslash and, for a shell's single quotes,
 * each quote as '\''. */
static void put_escaped(FILE *out, const char *text, const char *backslashed)
{
    for (; *text; text++) {
        if (*text == '\'' && !strchr(backslashed, '\'')) {
            fputs("'\\''", out);
            continue;
        }
        if (strchr(backslashed, *text))
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void put_words(FILE *out, const char *const *words, const char *backslashed)
{
    for (size_t i = 0; words[i]; i++) {
        fputs(i ? " " : "", out);
        put_escaped(out, words[i], backslashed);
    }
}

/* What completion offers as the value: a bare choice's first word is "not asked for". */
static const char *const *value_words(const struct option *option)
{
    static const char *const none[] = {NULL};
    if (!option->words)
        return none;
    return option->words + (option->bare ? 1 : 0);
}

/* The verbs that a completion is written for. */
struct verbs {
    const struct option_set *const *sets;
    size_t count;
};

/* The first words that SET can have after its options: a quoted list; false when it is any word. */
static bool put_operands(FILE *out, const char *before, const struct option_set *set,
                         const struct verbs *verbs, const char *backslashed, const char *after)
{
    if (!set->operands && !set->of_verb)
        return false;
    fputs(before, out);
    if (set->operands)
        put_words(out, set->operands, backslashed);
    for (size_t i = 0; set->of_verb && i < verbs->count; i++)
        fprintf(out, i ? " %s" : "%s", verbs->sets[i]->verb);
    fputs(after, out);
    return true;
}

/* ---- help ---- */

enum { LEFT_WIDTH = 34, NARROWEST = 50, WIDEST = 110 };

/* "-m, --memory BYTES", "    --explain[=text|json]", "    --[no-]init"; returns its length. */
static unsigned option_spelled(const struct option *option, char *text, size_t size)
{
    char letter[] = "-x, ", value[64] = "";
    letter[1] = option->letter;
    if (option->metavar)
        snprintf(value, sizeof value, option->bare ? "[=%s]" : " %s", option->metavar);
    int n = snprintf(text, size, "%s--%s%s%s", option->letter ? letter : "    ",
                     option->inverted ? "[no-]" : "", option->name, value);
    return (unsigned)n;
}

/* Writes TEXT from column AT on, broken at blanks before COLUMNS and continued at INDENT. */
static void put_wrapped(FILE *out, const char *text, unsigned at, unsigned indent,
                        unsigned columns)
{
    fprintf(out, "%*s", at < indent ? (int)(indent - at) : 0, "");
    at = indent;
    while (*text) {
        size_t length = strcspn(text, " ");
        if (at > indent && at + 1 + length > columns) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', out);
            at++;
        }
        fwrite(text, 1, length, out);
        at += (unsigned)length;
        text += length + strspn(text + length, " ");
    }
    fputc('\n', out);
}

static void put_option(FILE *out, const struct option *option, unsigned indent, unsigned columns)
{
    char left[128];
    unsigned at = 2 + option_spelled(option, left, sizeof left);
    fprintf(out, "  %s", left);
    if (at + 2 > indent) {
        fputc('\n', out);
        at = 0;
    }
    put_wrapped(out, option->help, at, indent, columns);
}

static unsigned readable(unsigned columns)
{
    return columns < NARROWEST ? NARROWEST : columns > WIDEST ? WIDEST : columns;
}

void option_help(FILE *out, const struct option_set *set, unsigned columns)
{
    fprintf(out, "Usage: %s %s [OPTION...]%s%s\n\n", set->program, set->verb,
            *set->synopsis ? " " : "", set->synopsis);
    put_wrapped(out, set->summary, 0, 0, readable(columns));
    option_help_list(out, set, columns);
}

void option_help_list(FILE *out, const struct option_set *set, unsigned columns)
{
    columns = readable(columns);
    char left[128];
    unsigned indent = 14; /* --help has room */
    FOR_SHOWN(o, set) {
        unsigned width = 4 + option_spelled(o, left, sizeof left);
        if (width > indent && width <= LEFT_WIDTH)
            indent = width;
    }
    FOR_SHOWN(o, set) {
        if (o->group || o == set->options)
            fprintf(out, "\n%s%s", o->group ? o->group : "", o->group ? "\n" : "");
        put_option(out, o, indent, columns);
    }
    fprintf(out, "\n  %-*s%s\n", (int)indent - 2, "    --help", "print this");
}

/* ---- manual ---- */

static void put_sections(FILE *out, const struct option_section *section)
{
    for (; section && section->title; section++)
        fprintf(out, "# %s\n\n%s\n", section->title, section->text);
}

static void put_man_value(FILE *out, const struct option *option)
{
    if (!option->metavar)
        return;
    fputs(option->bare ? "[=_" : " _", out);
    put_escaped(out, option->metavar, "\\*_'");
    fputs(option->bare ? "_]" : "_", out);
}

static void put_man_option(FILE *out, const struct option *option)
{
    if (option->letter)
        fprintf(out, "*-%c*, ", option->letter);
    fprintf(out, "*--%s%s*", option->inverted ? "[no-]" : "", option->name);
    if (option->alias)
        fprintf(out, ", *--%s*", option->alias);
    put_man_value(out, option);
    fprintf(out, "\n\t%c", toupper((unsigned char)option->help[0]));
    put_escaped(out, option->help + 1, "\\*_'");
    fputs(option->kind == OPTION_LIST ? ". May be given several times.\n\n" : ".\n\n", out);
}

void option_man_list(FILE *out, const struct option_set *set)
{
    FOR_SHOWN(o, set) {
        if (o->group)
            fprintf(out, "## %s\n\n", o->group);
        put_man_option(out, o);
    }
}

void option_man_synopsis(FILE *out, const struct option_set *set)
{
    fprintf(out, "*%s %s* [_OPTION_...]%s", set->program, set->verb, *set->synopsis ? " " : "");
    put_escaped(out, set->synopsis, "\\*_'");
    fputs("\n\n", out);
}

void option_man(FILE *out, const struct option_set *set, const struct option_prose *prose)
{
    fprintf(out, "%s-%s(1)\n\n# NAME\n\n%s-%s - ", set->program, set->verb, set->program,
            set->verb);
    put_escaped(out, set->summary, "\\*_'");
    fputs("\n\n# SYNOPSIS\n\n", out);
    option_man_synopsis(out, set);
    put_sections(out, prose ? prose->before : NULL);

    fputs("# OPTIONS\n\n", out);
    option_man_list(out, set);
    fputs("*--help*\n\tPrint the options.\n\n", out);
    put_sections(out, prose ? prose->after : NULL);
}

/* ---- bash ---- */

/* What _PROGRAM_value sets: the words to choose from, or @file, @dir. */
static void put_bash_value(FILE *out, const struct option_set *set, const struct option *option)
{
    const char *equals = option->bare ? "=" : ""; /* never the next word */
    fprintf(out, "    %s:--%s%s", set->verb, option->name, equals);
    if (option->alias)
        fprintf(out, "|%s:--%s%s", set->verb, option->alias, equals);
    if (option->letter)
        fprintf(out, "|%s:-%c", set->verb, option->letter);
    fputs(") values='", out);
    if (option->value == VALUE_FILE || option->value == VALUE_DIR)
        fputs(option->value == VALUE_FILE ? "@file" : "@dir", out);
    else
        put_words(out, value_words(option), "");
    fputs("' ;;\n", out);
}

static void put_bash_verb(FILE *out, const struct option_set *set, const struct verbs *verbs)
{
    fprintf(out, "    %s) options='--help", set->verb);
    FOR_SHOWN(o, set)
        fprintf(out, o->inverted ? " --no-%s" : " --%s", o->name);
    fputs("'", out);
    put_operands(out, " operands='", set, verbs, "", "'");
    fputs(set->in_order ? " ordered=1 ;;\n" : " ;;\n", out);
}

/* Readline hands over words that are split at '=' and ':' (COMP_WORDBREAKS) and replaces only the
 * last piece: words are joined again to be understood, and the reply is cut to the last piece. */
static const char bash_logic[] =
    "_@() {\n"
    "    local word last='' values options='' operands='@file' verb='' pending='' done='' ordered='' i\n"
    "    local -a words=()\n"
    "    for ((i = 1; i <= COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        if ((${#words[@]})) && [[ $word == [=:]* || $last == *[=:] ]]; then\n"
    "            words[${#words[@]}-1]+=$word\n"
    "        else\n"
    "            words+=(\"$word\")\n"
    "        fi\n"
    "        last=$word\n"
    "    done\n"
    "    COMPREPLY=()\n"
    "    if ((${#words[@]} < 2)); then\n"
    "        COMPREPLY=($(compgen -W \"$(_@_verbs) --help --version\" -- \"${words[0]}\"))\n"
    "        return\n"
    "    fi\n"
    "    verb=${words[0]}\n"
    "    _@_options \"$verb\" || return 0\n"
    "    for word in \"${words[@]:1:${#words[@]}-2}\"; do\n"
    "        if [[ $pending ]]; then pending=''\n"
    "        elif [[ $word == -- || $ordered && $word != -?* ]]; then done=1; break\n"
    "        elif _@_value \"$verb:$word\"; then pending=$word\n"
    "        fi\n"
    "    done\n"
    "    word=${words[${#words[@]}-1]}\n"
    "    if [[ $done ]]; then values=$operands\n"
    "    elif [[ $pending ]]; then _@_value \"$verb:$pending\"\n"
    "    elif [[ $word == --*=* ]]; then\n"
    "        _@_value \"$verb:${word%%=*}\" || _@_value \"$verb:${word%%=*}=\" || return 0\n"
    "        word=${word#*=}\n"
    "    elif [[ $word == -* ]]; then values=$options\n"
    "    else values=$operands\n"
    "    fi\n"
    "    last=${word##*[=:]}\n"
    "    case $values in\n"
    "    @file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$last\") ;;\n"
    "    @dir) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$last\") ;;\n"
    "    *)\n"
    "        COMPREPLY=($(compgen -W \"$values\" -- \"$word\"))\n"
    "        COMPREPLY=(\"${COMPREPLY[@]#\"${word%\"$last\"}\"}\")\n"
    "        [[ ${COMPREPLY[0]-} == *[=:] ]] && compopt -o nospace\n"
    "        ;;\n"
    "    esac\n"
    "    return 0\n"
    "}\n";

/* TEXT with the program's name for each '@' that starts a function's name: "_@". */
static void put_logic(FILE *out, const char *text, const char *program)
{
    for (const char *p = text; *p; p++) {
        fputc(*p, out);
        if (*p == '_' && p[1] == '@')
            fputs(program, out), p++;
    }
}

void option_complete_bash(FILE *out, const char *program, const struct option_set *const *sets,
                          size_t count)
{
    fprintf(out, "# bash completion of %s\n\n_%s_verbs() {\n    echo '", program, program);
    for (size_t i = 0; i < count; i++)
        fprintf(out, i ? " %s" : "%s", sets[i]->verb);
    fprintf(out, "'\n}\n\n_%s_options() {\n    case $1 in\n", program);
    for (size_t i = 0; i < count; i++)
        put_bash_verb(out, sets[i], &(struct verbs){sets, count});
    fprintf(out, "    *) return 1 ;;\n    esac\n}\n\n_%s_value() {\n    case $1 in\n", program);
    for (size_t i = 0; i < count; i++)
        FOR_SHOWN(o, sets[i])
            if (o->kind != OPTION_FLAG)
                put_bash_value(out, sets[i], o);
    fputs("    *) return 1 ;;\n    esac\n}\n\n", out);
    put_logic(out, bash_logic, program);
    fprintf(out, "\ncomplete -F _%s %s\n", program, program);
}

/* ---- zsh ---- */

static const char zsh_special[] = "\\[]:"; /* in the specifications of _arguments */

static void put_zsh_action(FILE *out, const struct option *option)
{
    fputs(option->bare ? "::" : ":", out);
    put_escaped(out, option->metavar, zsh_special);
    fputc(':', out);
    if (option->value == VALUE_FILE)
        fputs("_files", out);
    else if (option->value == VALUE_DIR)
        fputs("_files -/", out);
    else if (option->words) {
        fputc('(', out);
        put_words(out, value_words(option), "\\: ");
        fputc(')', out);
    }
}

/* One specification: DASHES NAME, how a value is joined to it, help, the value. */
static void put_zsh_spelling(FILE *out, const struct option *option, const char *spelling,
                             const char *joined)
{
    fprintf(out, "            '%s%s%s[", option->kind == OPTION_LIST ? "*" : "", spelling,
            option->kind == OPTION_FLAG ? "" : joined);
    put_escaped(out, option->help, zsh_special);
    fputc(']', out);
    if (option->kind != OPTION_FLAG)
        put_zsh_action(out, option);
    fputs("' \\\n", out);
}

static void put_zsh_verb(FILE *out, const struct option_set *set, const struct verbs *verbs)
{
    fprintf(out, "    (%s)\n        _arguments -s -S %s\\\n", set->verb, set->in_order ? "-A '-*' " : "");
    FOR_SHOWN(o, set) {
        char spelling[64];
        snprintf(spelling, sizeof spelling, "--%s%s", o->inverted ? "no-" : "", o->name);
        put_zsh_spelling(out, o, spelling, o->bare ? "=-" : "=");
        snprintf(spelling, sizeof spelling, "-%c", o->letter);
        if (o->letter)
            put_zsh_spelling(out, o, spelling, "+");
    }
    fputs("            '--help[print the options]' \\\n            ", out);
    if (!put_operands(out, "'1:word:(", set, verbs, "\\: ", ")'"))
        fputs("'*:word:_files'", out);
    fputs("\n        ;;\n", out);
}

void option_complete_zsh(FILE *out, const char *program, const struct option_set *const *sets,
                         size_t count)
{
    fprintf(out, "#compdef %s\n\n_%s() {\n    if ((CURRENT == 2)); then\n", program, program);
    fputs("        local -a verbs=(\n", out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "            '%s:", sets[i]->verb);
        put_escaped(out, sets[i]->summary, zsh_special);
        fputs("'\n", out);
    }
    fputs("        )\n        _describe verb verbs\n        return\n    fi\n"
          "    local verb=$words[2]\n    shift words\n    ((CURRENT--))\n    case $verb in\n",
          out);
    for (size_t i = 0; i < count; i++)
        put_zsh_verb(out, sets[i], &(struct verbs){sets, count});
    fprintf(out, "    esac\n}\n\n"
                 "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n    _%s \"$@\"\n"
                 "else\n    compdef _%s %s\nfi\n",
            program, program, program);
}

/* ---- fish ---- */

static void put_fish_option(FILE *out, const char *program, const struct option_set *set,
                            const struct option *option)
{
    fprintf(out, "complete -c %s -n '__fish_seen_subcommand_from %s' -l %s%s", program, set->verb,
            option->inverted ? "no-" : "", option->name);
    if (option->letter)
        fprintf(out, " -s %c", option->letter);
    fputs(" -d '", out);
    put_escaped(out, option->help, "\\'");
    fputc('\'', out);
    if (option->bare) {
        fputs(" -a '", out); /* whole words: fish has no notion of a value that may be missing */
        for (const char *const *word = value_words(option); *word; word++)
            fprintf(out, "--%s=%s ", option->name, *word);
        fputc('\'', out);
    } else if (option->value == VALUE_FILE) {
        fputs(" -r -F", out);
    } else if (option->value == VALUE_DIR) {
        fputs(" -x -a '(__fish_complete_directories)'", out);
    } else if (option->kind != OPTION_FLAG) {
        fputs(" -x -a '", out);
        put_words(out, value_words(option), "\\'");
        fputc('\'', out);
    }
    fputc('\n', out);
}

void option_complete_fish(FILE *out, const char *program, const struct option_set *const *sets,
                          size_t count)
{
    fprintf(out, "# fish completion of %s\ncomplete -c %s -n __fish_use_subcommand -f\n", program,
            program);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "complete -c %s -n __fish_use_subcommand -a %s -d '", program, sets[i]->verb);
        put_escaped(out, sets[i]->summary, "\\'");
        fputs("'\n", out);
        FOR_SHOWN(o, sets[i])
            put_fish_option(out, program, sets[i], o);
        fprintf(out, "complete -c %s -n '__fish_seen_subcommand_from %s' -l help -d 'print the "
                     "options'\n",
                program, sets[i]->verb);
        char before[128];
        snprintf(before, sizeof before,
                 "complete -c %s -n '__fish_seen_subcommand_from %s' -f -a '", program,
                 sets[i]->verb);
        put_operands(out, before, sets[i], &(struct verbs){sets, count}, "\\'", "'\n");
    }
}
