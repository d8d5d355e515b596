import Glibc
import Harness
import Synchronization

/// A shell process that waits for the end of a pipe from us, then stops the server and removes its directory.
///
/// The pipe ends when we let go of it, and also when we are killed: nothing is left behind in either case. It is in a
/// session of its own, so that a Ctrl-C at the terminal does not reach it.
final class Reaper: Sendable {
    private let process: pid_t
    /// Our end of the pipe; `nil` once it is closed.
    private let pipe: Mutex<CInt?>

    /// What it does; `$1` is the directory.
    private static let duty = """
        cd /
        trap '' INT TERM HUP QUIT
        while read -r line; do :; done
        round=0
        while [ -d "$1" ] && [ $round -lt 50 ]; do
            round=$((round + 1))
            pid= ; segment=
            if [ -r "$1/data/postmaster.pid" ]; then
                { read -r pid; read -r a; read -r b; read -r c; read -r d; read -r e; read -r key segment; } \\
                    < "$1/data/postmaster.pid"
            fi
            if [ -n "$pid" ]; then
                kill -CONT "$pid"; kill -QUIT "$pid"
                tries=0
                while kill -0 "$pid" && [ -e "$1/data/postmaster.pid" ] && [ $tries -lt 350 ]; do
                    tries=$((tries + 1)); sleep 0.02
                done
                kill -KILL "$pid"
            fi
            if [ -n "$segment" ]; then ipcrm -m "$segment"; fi
            rm -rf "$1"
            if [ -d "$1" ]; then sleep 0.1; fi
        done
        """

    private init(process: pid_t, pipe: CInt) {
        self.process = process
        self.pipe = Mutex(pipe)
    }

    static func start(for directory: String) throws -> Reaper {
        var ends: [CInt] = [-1, -1]
        guard socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw PrivatePostgresError("cannot make a pipe: \(String(cString: strerror(errno)))")
        }
        defer { close(ends[0]) }
        do {
            let reaper = Reaper(process: try spawn(reading: ends[0], directory), pipe: ends[1])
            stopAtExit(reaper)
            return reaper
        } catch {
            close(ends[1])
            throw error
        }
    }

    /// Lets it do its duty, and waits until it has.
    func stop() async {
        guard letGo() else { return }
        while waitpid(process, nil, WNOHANG) == 0 {
            do {
                try await Task.sleep(for: .milliseconds(5))
            } catch {
                // A cancelled task sleeps no more, and would spin. The duty has a bound, and this is the end in any case.
                waitpid(process, nil, 0)
                return
            }
        }
    }

    private func letGo() -> Bool {
        pipe.withLock { pipe in
            guard let open = pipe else { return false }
            close(open)
            pipe = nil
            return true
        }
    }

    private static let all = Mutex<[Reaper]?>(nil)

    /// A process that ends properly waits for its reapers, so that nothing is left at the moment of its end.
    private static func stopAtExit(_ reaper: Reaper) {
        let isFirst = all.withLock { all in
            defer { all = (all ?? []) + [reaper] }
            return all == nil
        }
        guard isFirst else { return }
        atexit {
            let stopped = Reaper.all.withLock { $0 ?? [] }.filter { $0.letGo() }
            for reaper in stopped { waitpid(reaper.process, nil, 0) }
        }
    }

    /// glibc's POSIX_SPAWN_SETSID, which its header shows to _GNU_SOURCE alone.
    private static let spawnSetsid: CInt = 0x80

    private static func spawn(reading pipe: CInt, _ directory: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, pipe, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        // Nothing else of ours, or whoever waits for its end would wait for the reaper too.
        for descriptor in ProcessTable.entries(of: "/proc/self/fd").compactMap({ CInt($0) }) where descriptor > 2 {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(spawnSetsid | POSIX_SPAWN_SETSIGMASK))
        let words = ["/bin/sh", "-c", duty, "private-postgres-reaper", directory]
        var arguments = words.map { strdup($0) } + [nil]
        var environment = [strdup("PATH=/usr/sbin:/usr/bin:/sbin:/bin"), nil]
        defer { for text in arguments + environment { free(text) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, "/bin/sh", &actions, &attributes, &arguments, &environment)
        guard code == 0 else { throw PrivatePostgresError("cannot start /bin/sh: \(String(cString: strerror(code)))") }
        return process
    }
}
