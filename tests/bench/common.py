"""What the benchmarks of this directory share: the bundle, the views of the cgroups, the stop-watch, the clean-up.

A time is that of posix_spawn to the end of the process (spawn.c); "net" has the median of a program that does nothing
subtracted. A view is a mount namespace, made once and entered before the clock starts: "v2" shows the cgroup2 tree
alone, "v1" none, "host" what is there; /run is a tmpfs there, as it is on hosts that have booted with an init.

Removed at the end: the directory, the containers, the cgroups, the mount namespaces. What bocal keeps of its own, the
unpacked embedded image, stays as after any run.
"""
import argparse, json, os, shutil, signal, statistics, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.realpath(f"{HERE}/../..")
PROGRAM = f"tests/bench/{os.path.basename(sys.argv[0])}"
CGROUPS = "/sys/fs/cgroup"
NAME = f"bocal-bench-{os.getpid()}"
WARM_UP = 3
SPAWN, FLOOR, FLOOR_EXEC = "process spawn", "floor", "floor, exec"
PEERS = ["crun", "runc"]
THEN = "&&" # in a command: another one, timed together with it
VIEWS = {
    "v2": f"if mountpoint -q {CGROUPS}; then umount -R {CGROUPS}; fi; mount -t cgroup2 cgroup2 {CGROUPS}",
    # A tmpfs of its own: where cgroup2 is not mounted on "unified", crun 1.8.1 makes plain directories there.
    "v1": f"t=$(mktemp -d); mount -t tmpfs -o mode=755 bench $t; cd {CGROUPS}; for h in *; do"
          "  if [ $h != unified ] && mountpoint -q $h; then mkdir $t/$h; mount --bind $h $t/$h; fi; done; cd /;"
          f" umount -R {CGROUPS}; mount --move $t {CGROUPS}; rmdir $t",
    "host": ":",
}
MASKED = ["/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
          "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
          "/sys/devices/virtual/powercap", "/sys/firmware"]
READONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
CAPS = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
        "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_SETFCAP"]
SAFE = ["nosuid", "noexec", "nodev"]
MOUNTS = [("/proc", "proc", SAFE), ("/dev", "tmpfs", ["nosuid", "mode=755", "size=65536k"]),
          ("/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
          ("/dev/shm", "tmpfs", SAFE + ["mode=1777", "size=65536k"]), ("/dev/mqueue", "mqueue", SAFE),
          ("/sys", "sysfs", SAFE + ["ro"]), ("/sys/fs/cgroup", "cgroup", SAFE + ["relatime", "ro"])]


class Failure(Exception):
    pass


class Row:
    def __init__(self, tool, view, command, floor=FLOOR, resources=None):
        self.tool, self.view, self.command, self.floor, self.resources = tool, view, command, floor, resources
        self.missing = None
        self.name = f"{tool} ({view} view)" if view else tool
        self.samples = [] # each a list of (ns, peak kB), one for each command between THENs

    @property
    def ns(self):
        return [sum(ns for ns, _ in sample) for sample in self.samples]

    @property
    def peak_kb(self):
        return max(peak for sample in self.samples for _, peak in sample)


class Bench:
    def __init__(self, options):
        self.options = options
        self.work = tempfile.mkdtemp(prefix="bocal-bench.")
        self.root = f"{self.work}/bundle/rootfs"
        self.bocal = f"{self.work}/bocal" if os.path.exists(options.bocal) else None
        self.runtimes = {"bocal-runtime": self.bocal and f"{self.bocal}-runtime"} | {n: shutil.which(n) for n in PEERS}
        self.holders, self.waiting, self.count, self.stopped = {}, {}, 0, 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.stop)

    def stop(self, number, _frame):
        self.stopped = number

    def go_on(self):
        """Unless a signal has come. Children have sessions of their own: Ctrl-C is ours, and they come to their end."""
        if self.stopped:
            sys.exit(128 + self.stopped)

    def __enter__(self):
        return self

    # ---- set-up and clean-up ----

    def open(self):
        self.build()
        for view in self.views():
            self.open_view(view)

    def build(self):
        cc = [os.environ.get("CC", "cc"), "-O2", "-static", "-std=gnu17", "-D_GNU_SOURCE", f"-I{TOP}/src"]
        for name in ("floor", "floor_exec", "spawn"):
            words = [*cc, f"{HERE}/{name}.c", "-o", f"{self.work}/{name}"]
            if subprocess.run(words, start_new_session=True).returncode:
                raise Failure(f"build {name}.c: the compiler failed (it needs a static C library)")
            self.go_on()
        for directory in ("bin", "proc", "dev", "sys", "etc", "tmp"):
            os.makedirs(f"{self.root}/{directory}")
        shutil.copy(f"{self.work}/spawn", f"{self.root}/bin/true")
        shutil.copy(f"{self.work}/floor_exec", f"{self.root}/bin/wait")
        # A copy: what is measured does not change while somebody builds.
        if self.bocal:
            shutil.copy(self.options.bocal, self.bocal)
            os.symlink("bocal", f"{self.bocal}-runtime")

    def write_config(self, name, command, bundle="bundle", resources=None):
        with open(f"{self.work}/{bundle}/config.json", "w") as file:
            json.dump({
                "ociVersion": "1.0.2", "hostname": "bench", "root": {"path": self.root},
                "process": {"user": {"uid": 0, "gid": 0}, "args": [command], "env": ["PATH=/bin"], "cwd": "/",
                            "noNewPrivileges": True,
                            "capabilities": {s: CAPS for s in ("bounding", "effective", "permitted")}},
                "mounts": [{"destination": d, "type": t, "source": t, "options": o} for d, t, o in MOUNTS],
                "linux": {"namespaces": [{"type": t} for t in ("pid", "network", "ipc", "uts", "mount", "cgroup")],
                          "cgroupsPath": f"/{NAME}/{name}", "maskedPaths": MASKED, "readonlyPaths": READONLY,
                          **({"resources": resources} if resources else {})},
            }, file)

    def open_view(self, view):
        """Leaves a process in a mount namespace that shows the view, until its standard input is closed."""
        script = (f"{VIEWS[view]} && mount -t tmpfs -o mode=755 run /run"
                  f" && mkdir -p {' '.join(self.parents(view))} && echo ready && exec cat")
        holder = subprocess.Popen(["unshare", "-m", "--propagation", "private", "sh", "-ec", script],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                  start_new_session=True)
        self.holders[view] = holder
        if holder.stdout.readline() != "ready\n":
            raise Failure(f"make the {view} view of the cgroups: see the message above (it needs root)")

    def parents(self, view):
        """The directories for the floor's cgroups: those hierarchies in which bocal makes one."""
        hybrid = [f"{CGROUPS}/{h}/{NAME}" for h in ("unified", "pids", "devices")]
        return {"v2": [f"{CGROUPS}/{NAME}"], "v1": hybrid[1:], "host": hybrid}[view]

    def views(self):
        hybrid = os.path.exists(f"{CGROUPS}/unified/cgroup.procs") and os.path.exists(f"{CGROUPS}/pids")
        return ["v2", "host", "v1"] if hybrid else ["v2"]

    def __exit__(self, *_):
        for view in self.holders: # in all, as the views share the hierarchies
            self.delete_containers(view)
        for view, holder in self.holders.items():
            self.remove_cgroups(view)
            holder.stdin.close()
            holder.wait()
        shutil.rmtree(self.work, ignore_errors=True)

    def states(self, runtime, view, prefix):
        """The names of its containers that have a state."""
        states = f"/proc/{self.holders[view].pid}/root/run/{runtime}"
        return [n for n in (os.listdir(states) if os.path.isdir(states) else []) if n.startswith(prefix)]

    def cgroups(self, view, prefix):
        """Ours, of whatever hierarchy, the innermost first."""
        top = f"/proc/{self.holders[view].pid}/root{CGROUPS}"
        roots = [top] + [f"{top}/{h}" for h in (os.listdir(top) if os.path.isdir(top) else [])]
        return [d for root in roots for d, _, _ in os.walk(f"{root}/{NAME}", topdown=False)
                if os.path.basename(d).startswith(prefix)]

    def delete_containers(self, view, prefix=NAME):
        """All at once, as runc takes a tenth of a second for each that still runs."""
        for process in [subprocess.Popen([*self.enter(view), path, "delete", "--force", name],
                                         stderr=subprocess.DEVNULL, start_new_session=True)
                        for runtime, path in self.runtimes.items() for name in self.states(runtime, view, prefix)]:
            process.wait()

    def remove_cgroups(self, view, prefix=NAME):
        for directory in self.cgroups(view, prefix):
            try:
                os.rmdir(directory)
            except OSError as error:
                print(f"{PROGRAM}: remove {directory}: {error.strerror}", file=sys.stderr)

    # ---- what is measured ----

    def enter(self, view):
        return ["nsenter", f"--mount=/proc/{self.holders[view].pid}/ns/mnt"]

    def running(self, row):
        """A container of the row's runtime, in its view, whose command waits: (name, pid)."""
        runtime = row.command[0] if row.tool != FLOOR_EXEC else f"{self.work}/bocal-runtime"
        if (runtime, row.view) not in self.waiting:
            name = f"{NAME}-{len(self.waiting)}-waits"
            self.write_config(name, "/bin/wait")
            for words in (["create", "-b", f"{self.work}/bundle", name], ["start", name]):
                self.spawn(row, [runtime, *words])
            state = subprocess.run([*self.enter(row.view), runtime, "state", name], capture_output=True, check=True,
                                   start_new_session=True)
            self.waiting[runtime, row.view] = name, json.loads(state.stdout)["pid"]
        return self.waiting[runtime, row.view]

    def words_of(self, row):
        """Its command for this time, with names and numbers in place."""
        new = f"{NAME}-{self.count}"
        words = list(row.command)
        if "ID" in words:
            self.count += 1
            self.write_config(new, "/bin/true", resources=row.resources)
        if words == ["FLOOR-EXEC"]:
            name, pid = self.running(row)
            where = f"{self.parents(row.view)[0]}/{name}" if row.view != "v1" else "-"
            return [f"{self.work}/floor_exec", where, str(pid), "/bin/true"]
        return [new if w == "ID" else self.running(row)[0] if w == "RUNNING" else w for w in words]

    def spawn(self, row, command, *options):
        """(ns, peak kB) of a command in the row's view, or Failure with what it said; options are spawn.c's."""
        self.go_on()
        view = ["-m", f"/proc/{self.holders[row.view].pid}/ns/mnt"] if row.view else []
        # A file, as what create leaves behind would keep a pipe open.
        with open(f"{self.work}/said", "w+") as said:
            done = subprocess.run([f"{self.work}/spawn", *view, *options, *command], stdout=subprocess.PIPE,
                                  stderr=said, text=True, start_new_session=True, timeout=60)
            numbers = done.stdout.split()
            if done.returncode or numbers[2] != "0":
                said.seek(0)
                lines = said.read().strip().splitlines() or [f"status {numbers[2] if numbers else done.returncode}"]
                raise Failure(f"{row.name}: {f'{numbers[3]} failed: ' if '-n' in options else ''}{lines[-1]}")
        return int(numbers[0]), int(numbers[1])

    def once(self, row):
        """What spawn() says of each of its commands."""
        words, sample = self.words_of(row), []
        while words:
            end = words.index(THEN) if THEN in words else len(words)
            sample.append(self.spawn(row, words[:end]))
            words = words[end + 1:]
        return sample

    def choose(self, rows):
        """The rows that can run here; a peer that does not work in a view says why, and stays in the table."""
        for row in rows:
            if row.command is None:
                row.missing = "not built" if row.tool.startswith("bocal") else "not installed"
                continue
            try:
                for _ in range(WARM_UP):
                    self.once(row)
            except Failure as failure:
                if row.tool.split()[0] not in (*PEERS, "bwrap"):
                    raise
                row.missing = "does not work here: " + str(failure).split(": ", 1)[1]
        return [row for row in rows if not row.missing]

    def measure(self, rows):
        for _ in range(self.options.rounds):
            for row in rows:
                row.samples.append(self.once(row))


def summary(rows):
    median = {row.name: statistics.median(row.ns) for row in rows if row.samples}
    spawn, result = median[SPAWN], {}
    for row in rows:
        if row.missing:
            result[row.name] = {"missing": row.missing}
            continue
        gross, values = median[row.name], sorted(row.ns)
        entry = {"samples": len(values), "median_ns": gross, "p10_ns": values[len(values) // 10],
                 "p90_ns": values[len(values) * 9 // 10], "net_ns": gross - spawn, "peak_kb": row.peak_kb}
        if row.view:
            floor = median[f"{row.floor} ({row.view} view)"]
            entry |= {"ratio_gross": gross / floor, "ratio_net": (gross - spawn) / (floor - spawn)}
        result[row.name] = entry
    return result


def print_head(rounds):
    print(f"Linux {os.uname().release}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}; "
          f"{rounds} interleaved rounds\n")


def check_budget(what, value, limit, unit, digits=2):
    """What was not measured is not met."""
    ok = value is not None and value <= limit
    print(f"budget: {what}: {'not measured' if value is None else f'{value:.{digits}f}'} of at most {limit} {unit}: "
          f"{'met' if ok else 'NOT met'}")
    return ok


def main(bench, parser, rounds):
    parser.add_argument("--bocal", default=f"{TOP}/build/bocal", metavar="PATH")
    parser.add_argument("--rounds", type=int, default=rounds, metavar="N")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--assert", dest="check", action="store_true", help="fail where a budget is exceeded")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    if os.getuid() != 0:
        sys.exit(f"{PROGRAM}: needs root, as runc and crun do")
    try:
        with bench(options) as b:
            return 1 if not b.run() and options.check else 0
    except (Failure, subprocess.SubprocessError) as failure:
        sys.exit(f"{PROGRAM}: {failure}")
