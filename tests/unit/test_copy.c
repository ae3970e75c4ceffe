/* tree_copy(): everything of a tree, by fds, into a tmpfs; nothing that a symlink points to. */
#include "base/cleanup.h"
#include "base/copy.h"
#include "base/error.h"
#include "base/file.h"
#include "base/merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <fcntl.h>

#include <cmocka.h>

struct place {
    char path[64];
    int top, from, to;
};

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    strcpy(p->path, "/dev/shm/test-copy.XXXXXX");
    assert_non_null(mkdtemp(p->path));
    umask(0);
    p->top = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(p->top, "from", 0755) | mkdirat(p->top, "to", 0755), 0);
    p->from = openat(p->top, "from", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    p->to = openat(p->top, "to", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    close(p->from), close(p->to), close(p->top);
    assert_int_equal(tree_remove(AT_FDCWD, p->path), 0);
    free(p);
    return 0;
}

static void put(int dir, const char *name, const char *text, mode_t mode)
{
    auto_fd fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
    assert_int_equal(fchmod(fd, mode), 0);
    fsetxattr(fd, "user.bocal", "x", 1, 0); /* Linux 6.6 */
}

static void assert_same(int from, int to, const char *name)
{
    struct stat a, b;
    assert_int_equal(fstatat(from, name, &a, AT_SYMLINK_NOFOLLOW), 0);
    if (fstatat(to, name, &b, AT_SYMLINK_NOFOLLOW) < 0)
        fail_msg("%s was not copied", name);
    assert_int_equal(a.st_mode, b.st_mode);
    assert_int_equal(a.st_uid, b.st_uid);
    assert_int_equal(a.st_gid, b.st_gid);
    assert_int_equal(a.st_rdev, b.st_rdev);
    assert_int_equal(a.st_mtim.tv_sec, b.st_mtim.tv_sec);
    assert_int_equal(a.st_mtim.tv_nsec, b.st_mtim.tv_nsec);
    if (!S_ISDIR(a.st_mode))
        assert_int_equal(a.st_size, b.st_size);
}

static void all_kinds_with_what_belongs_to_them(void **state)
{
    struct place *p = *state;
    static const char *const names[] = {"file", "set-id", "empty", "dir", "dir/deep", "dir/deep/file", "link", "away",
                                        "fifo", "node"};
    bool root = geteuid() == 0;
    put(p->from, "file", "some text", 0640);
    put(p->from, "set-id", "#!", 04755);
    put(p->from, "empty", "", 0);
    assert_int_equal(mkdirat(p->from, "dir", 01777) | mkdirat(p->from, "dir/deep", 02751), 0);
    put(p->from, "dir/deep/file", "deep", 0444);
    assert_int_equal(symlinkat("file", p->from, "link") | symlinkat("/etc/passwd", p->from, "away"), 0);
    assert_int_equal(mknodat(p->from, "fifo", S_IFIFO | 0622, 0), 0);
    if (root) {
        assert_int_equal(fchownat(p->from, "set-id", 12, 34, 0), 0);
        assert_int_equal(fchmodat(p->from, "set-id", 04755, 0), 0);
        assert_int_equal(fchownat(p->from, "link", 56, 78, AT_SYMLINK_NOFOLLOW), 0);
    }
    bool nodes = root && mknodat(p->from, "node", S_IFCHR | 0604, makedev(1, 3)) == 0;
    for (size_t i = COUNT(names) - !nodes; i-- > 0;) /* the innermost first: they change what they are in */
        assert_int_equal(utimensat(p->from, names[i], (struct timespec[]){{1, 2}, {(time_t)i + 100, 7}},
                                   AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(tree_copy(p->from, p->to), 0);
    for (size_t i = 0; i < COUNT(names) - !nodes; i++)
        assert_same(p->from, p->to, names[i]);
    char text[32] = "";
    assert_int_equal(readlinkat(p->to, "away", text, sizeof text - 1), 11);
    assert_string_equal(text, "/etc/passwd");
    auto_free char *copied = NULL;
    assert_int_equal(file_read(p->to, "dir/deep/file", 100, &copied), 4);
    assert_string_equal(copied, "deep");
    auto_fd from = openat(p->from, "file", O_RDONLY | O_CLOEXEC), to = openat(p->to, "file", O_RDONLY | O_CLOEXEC);
    assert_int_equal(fgetxattr(from, "user.bocal", text, sizeof text), fgetxattr(to, "user.bocal", text, sizeof text));
}

static void holes_stay_holes(void **state)
{
    struct place *p = *state;
    const off_t far = (off_t)64 << 30;
    auto_fd fd = openat(p->from, "sparse", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(pwrite(fd, "begin", 5, 0), 5);
    assert_int_equal(pwrite(fd, "far", 3, far), 3);
    assert_int_equal(ftruncate(fd, far + (1 << 20)), 0);
    assert_int_equal(tree_copy(p->from, p->to), 0);
    struct stat st;
    char text[5];
    auto_fd copy = openat(p->to, "sparse", O_RDONLY | O_CLOEXEC);
    assert_int_equal(fstat(copy, &st), 0);
    assert_int_equal(st.st_size, far + (1 << 20));
    assert_true(st.st_blocks * 512 < 1 << 20);
    assert_int_equal(pread(copy, text, 5, 0), 5);
    assert_memory_equal(text, "begin", 5);
    assert_int_equal(pread(copy, text, 3, far), 3);
    assert_memory_equal(text, "far", 3);
}

static void more_than_one_block_of_names_and_deep_ones(void **state)
{
    struct place *p = *state;
    char name[64];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "a-name-of-some-length-%d", i);
        put(p->from, name, "x", 0600);
    }
    int dir = dup(p->from);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(mkdirat(dir, "d", 0755), 0);
        int inner = openat(dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(dir);
        dir = inner;
    }
    assert_int_equal(tree_copy(p->from, p->to), 0);
    assert_same(p->from, p->to, "a-name-of-some-length-999");
    assert_same(p->from, p->to, "d/d/d/d/d/d/d/d");
    for (int i = 0; i < 100; i++) {
        assert_int_equal(mkdirat(dir, "d", 0755), 0);
        int inner = openat(dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(dir);
        dir = inner;
    }
    close(dir);
    assert_int_equal(mkdirat(p->top, "again", 0755), 0);
    auto_fd again = openat(p->top, "again", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(lseek(p->from, 0, SEEK_SET), 0);
    assert_int_equal(tree_copy(p->from, again), -ELOOP);
}

/* ---- layers ---- */

static int make_layer(const struct place *p, const char *name)
{
    assert_int_equal(mkdirat(p->top, name, 0755), 0);
    int fd = openat(p->top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static int merge_two(const struct place *p, int above)
{
    auto_fd links = make_layer(p, "links");
    const int layers[] = {above, p->from};
    return layers_merge(&(struct merge){.layers = layers, .count = 2, .model = 0, .opaque = "user.overlay.opaque", .to = p->to, .links = links});
}

/* Each of two layers has links where the other has directories, and they lead out of the tree. */
static void layers_do_not_follow_each_others_links(void **state)
{
    const struct place *p = *state;
    auto_fd above = make_layer(p, "above");
    auto_fd outside = make_layer(p, "outside");
    put(outside, "secret", "s", 0644);
    assert_int_equal(symlinkat("../outside", above, "link") | mkdirat(p->from, "link", 0755) | symlinkat("../outside", p->from, "directory") |
                         mkdirat(above, "directory", 0700) | symlinkat("..", above, "up"), 0);
    auto_fd below = openat(p->from, "link", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_fd inside = openat(above, "directory", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    put(below, "hidden", "h", 0644);
    put(inside, "new", "n", 0644);
    assert_int_equal(mknodat(above, "gone", S_IFCHR, 0) | linkat(inside, "new", above, "same", 0), 0);
    put(p->from, "gone", "g", 0644);
    assert_int_equal(fchmod(above, 01777), 0);
    assert_int_equal(merge_two(p, above), 0);
    struct stat st, same;
    assert_int_equal(fstatat(p->to, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(fstatat(p->to, "directory/new", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(fstatat(p->to, "same", &same, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(st.st_ino == same.st_ino && st.st_nlink == 2);
    assert_int_equal(fstatat(p->to, "directory/secret", &st, 0), -1);
    assert_int_equal(fstatat(p->to, "gone", &st, AT_SYMLINK_NOFOLLOW), -1);
    assert_int_equal(fstat(p->to, &st), 0);
    assert_int_equal(st.st_mode & 07777, 01777);
    assert_int_equal(faccessat(outside, "new", F_OK, 0) | faccessat(outside, "hidden", F_OK, 0), -1);
    assert_int_equal(unlinkat(p->top, "links", AT_REMOVEDIR), 0);
}

static void an_opaque_directory_hides_what_is_below(void **state)
{
    const struct place *p = *state;
    auto_fd above = make_layer(p, "above");
    assert_int_equal(mkdirat(p->from, "d", 0755) | mkdirat(above, "d", 0755), 0);
    auto_fd below = openat(p->from, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_fd inside = openat(above, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    put(below, "old", "o", 0644);
    put(inside, "new", "n", 0644);
    if (fsetxattr(inside, "user.overlay.opaque", "y", 1, 0) < 0)
        skip(); /* tmpfs has such since Linux 6.6 */
    assert_int_equal(merge_two(p, above), 0);
    assert_int_equal(faccessat(p->to, "d/new", F_OK, 0), 0);
    assert_int_equal(faccessat(p->to, "d/old", F_OK, 0), -1);
    auto_fd merged = openat(p->to, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(fgetxattr(merged, "user.overlay.opaque", NULL, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_kinds_with_what_belongs_to_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(holes_stay_holes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_than_one_block_of_names_and_deep_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(layers_do_not_follow_each_others_links, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_opaque_directory_hides_what_is_below, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
