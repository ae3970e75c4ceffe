/* Runs every file of the directories that it is given through the target, without libFuzzer: what was found once stays found. */
#include "target.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"

#include <fcntl.h>
#include <string.h>

enum { LARGEST = 16 << 20 };

/* The seed in memory of its own size, so that a step too far is seen. */
static int replay(int dir, const char *name, unsigned char type, void *data)
{
    (void)type;
    auto_free char *text = NULL;
    ssize_t length = file_read(dir, name, LARGEST, &text);
    if (length < 0)
        return (int)length;
    auto_free uint8_t *bytes = malloc((size_t)length + !length);
    memcpy(bytes, text, (size_t)length);
    LLVMFuzzerTestOneInput(bytes, (size_t)length);
    ++*(size_t *)data;
    return 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        size_t count = 0;
        auto_fd dir = open(argv[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0 || dir_each(dir, replay, &count) < 0 || !count) {
            fprintf(stderr, "%s: %s\n", argv[i], *error_text() ? error_text() : "no seeds");
            return 1;
        }
        printf("%s: %zu seeds\n", argv[i], count);
    }
    return argc > 1 ? 0 : 1;
}
