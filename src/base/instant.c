/* Days are counted without timegm(3), which reads the host's time zone: years begin in March here, so that the leap day is the
 * last of them; 400 of them have 146,097 days. */
#include "base/instant.h"

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

enum { DAY = 86400 };

/* N digits from *TEXT on, which moves behind them; -1 where there are none. */
static int take_digits(const char **text, int n)
{
    int value = 0;
    for (int i = 0; i < n; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return -1;
        value = value * 10 + (**text - '0');
    }
    return value;
}

static bool take_letter(const char **text, const char *letters)
{
    bool there = **text && strchr(letters, **text);
    *text += there;
    return there;
}

static int64_t days_of(int year, int month, int day)
{
    int64_t from_march = month > 2 ? month - 3 : month + 9, y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * from_march + 2) / 5 + day - 1 - 719468;
}

static bool take_date(const char **text, int64_t *seconds)
{
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = take_digits(text, 4);
    if (year < 0 || !take_letter(text, "-"))
        return false;
    int month = take_digits(text, 2);
    if (month < 1 || month > 12 || !take_letter(text, "-"))
        return false;
    int day = take_digits(text, 2);
    *seconds = days_of(year, month, day) * DAY;
    return day >= 1 && day <= lengths[month - 1];
}

/* "12:00:00", or "12:00" WITHOUT seconds. */
static bool take_clock(const char **text, bool without, int64_t *seconds)
{
    int hour = take_digits(text, 2);
    if (hour < 0 || hour > 23 || !take_letter(text, ":"))
        return false;
    int minute = take_digits(text, 2);
    *seconds = hour * 3600 + minute * 60;
    if (minute < 0 || minute > 59 || without)
        return minute >= 0 && minute <= 59;
    if (!take_letter(text, ":"))
        return false;
    int second = take_digits(text, 2);
    *seconds += second;
    return second >= 0 && second <= 60;
}

static bool take_fraction(const char **text, uint32_t *nanoseconds)
{
    *nanoseconds = 0;
    if (!take_letter(text, "."))
        return true;
    const char *first = *text;
    for (uint32_t place = 100000000; **text >= '0' && **text <= '9'; (*text)++, place /= 10)
        *nanoseconds += place * (uint32_t)(**text - '0');
    return *text != first;
}

static bool take_zone(const char **text, int64_t *offset)
{
    *offset = 0;
    if (take_letter(text, "Zz"))
        return true;
    bool west = **text == '-';
    if (!take_letter(text, "+-") || !take_clock(text, true, offset))
        return false;
    *offset = west ? -*offset : *offset;
    return true;
}

int instant_parse(const char *text, struct instant *instant)
{
    int64_t date, clock, offset;
    bool good = take_date(&text, &date) && take_letter(&text, "Tt ") && take_clock(&text, false, &clock) &&
                take_fraction(&text, &instant->nanoseconds) && take_zone(&text, &offset) && !*text;
    if (!good)
        return -EINVAL;
    instant->seconds = date + clock - offset;
    return 0;
}

static int parse_ago(const char *word, struct instant *instant)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', DAY}};
    char digits[16];
    uint64_t number;
    size_t length = strspn(word, "0123456789");
    if (!length || length >= sizeof digits || !word[length] || word[length + 1])
        return -EINVAL;
    memcpy(digits, word, length);
    digits[length] = '\0';
    TRY(text_to_u64(digits, INT32_MAX, &number));
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].unit == word[length]) {
            instant->seconds = (int64_t)time(NULL) - (int64_t)number * units[i].seconds;
            return 0;
        }
    return -EINVAL;
}

int instant_parse_word(const char *word, struct instant *instant)
{
    const char *rest = word;
    uint64_t seconds;
    *instant = (struct instant){0};
    if (text_to_u64(word, INT64_MAX, &seconds) == 0) {
        instant->seconds = (int64_t)seconds;
        return 0;
    }
    if (take_date(&rest, &instant->seconds) && !*rest)
        return 0;
    return instant_parse(word, instant) == 0 ? 0 : parse_ago(word, instant) == 0 ? 0 : -EINVAL;
}

int instant_compare(const struct instant *a, const struct instant *b)
{
    if (a->seconds != b->seconds)
        return a->seconds < b->seconds ? -1 : 1;
    return a->nanoseconds < b->nanoseconds ? -1 : a->nanoseconds > b->nanoseconds;
}
