import Glibc
import Harness
import Subprocess
import Synchronization
import Testing

/// A `market-chatd` that runs as a child process. Only ``withDaemon(_:_:)`` makes one, and it ends with it.
final class DaemonProcess: Sendable {
    let pid: pid_t
    private let output: ScratchFile
    let log: DaemonLog
    private let isOver = Mutex(false)

    fileprivate init(pid: pid_t, output: ScratchFile, errors: ScratchFile) {
        self.pid = pid
        self.output = output
        log = DaemonLog(file: errors)
    }

    /// How it ended.
    enum Ending: Sendable, Equatable {
        case exited(CInt)
        case killed(by: CInt)
    }

    /// Sends a signal; nothing where the process is gone.
    func send(_ signal: CInt) {
        // Not taken away before it is over, so the number cannot be another process's.
        isOver.withLock { isOver in if !isOver { kill(pid, signal) } }
    }

    /// How it ended, as far as it has.
    var endingSoFar: Ending? {
        isOver.withLock { isOver in
            guard !isOver else { return nil }
            var facts = siginfo_t()
            // WNOWAIT: it is swift-subprocess that takes it away.
            guard waitid(P_PID, id_t(pid), &facts, WEXITED | WNOHANG | WNOWAIT) == 0, facts.si_signo == SIGCHLD else {
                return nil
            }
            let status = facts._sifields._sigchld.si_status
            return facts.si_code == CInt(CLD_EXITED) ? .exited(status) : .killed(by: status)
        }
    }

    /// Waits for its end.
    func ending(atMost limit: Duration = patience) async throws -> Ending {
        var ending: Ending?
        try await waitUntil("market-chatd ends", every: .milliseconds(2), atMost: limit) {
            ending = endingSoFar
            return ending != nil
        }
        return try #require(ending)
    }

    /// Asks it to end, and waits until it has.
    func drain(atMost limit: Duration = patience) async throws -> Ending {
        send(SIGTERM)
        return try await ending(atMost: limit)
    }

    /// What it wrote to its standard output.
    func standardOutput() throws -> String { try output.text() }

    /// Its HTTP listener, once it listens.
    func listener() async throws -> HTTPListenerAddress {
        try HTTPListenerAddress(try await log.line("Listening").fields["http.address"])
    }

    /// Asks its HTTP listener.
    func get(_ path: String) async throws -> HTTPAnswer { try await listener().get(path) }

    fileprivate func end() {
        isOver.withLock { isOver in
            if !isOver { kill(pid, SIGKILL) }
            isOver = true
        }
    }
}

/// Runs a daemon while `body` runs; what is left of it then is killed. Where `body` fails, the end of the log is told.
func withDaemon<R: Sendable>(
    _ settings: DaemonSettings, _ body: (DaemonProcess) async throws -> R
) async throws -> R {
    let (output, errors) = (try ScratchFile(), try ScratchFile())
    let result = try await Subprocess.run(
        configuration(settings, output: output, errors: errors), input: .none, output: .discarded, error: .discarded
    ) { execution in
        let daemon = DaemonProcess(pid: execution.processIdentifier.value, output: output, errors: errors)
        defer { daemon.end() }
        do {
            return try await body(daemon)
        } catch {
            let tail = (try? errors.text().suffix(3000)) ?? ""
            Issue.record("\(error); the end of the daemon's log:\n\(tail)")
            throw error
        }
    }
    return result.takeClosureResult()
}

/// What a run gave that ended by itself.
struct FinishedRun: Sendable {
    var ending: DaemonProcess.Ending
    var output: String
    var errors: String
}

/// Runs `market-chatd` to its end.
func finish(_ settings: DaemonSettings, atMost limit: Duration = patience) async throws -> FinishedRun {
    try await withDaemon(settings) { daemon in
        let ending = try await daemon.ending(atMost: limit)
        return FinishedRun(ending: ending, output: try daemon.standardOutput(), errors: try daemon.log.text())
    }
}

private func configuration(
    _ settings: DaemonSettings, output: ScratchFile, errors: ScratchFile
) throws -> Configuration {
    let program = try settings.program ?? Program.path()
    // Named, so that the file of a daemon that is installed on this machine is not read as well.
    let environmentFile = settings.arguments.contains("--env-file") ? [] : ["--env-file", "/dev/null"]
    let words = ChildCommand.endingWithParent([program] + settings.arguments + environmentFile)
    var variables: [Environment.Key: String] = ["PATH": "/usr/bin:/bin:/usr/sbin:/sbin"]
    // Where the tests' coverage is measured, what they run as a child counts too.
    if let profile = getenv("LLVM_PROFILE_FILE") { variables["LLVM_PROFILE_FILE"] = String(cString: profile) }
    for (name, value) in settings.variables { variables[try #require(Environment.Key(rawValue: name))] = value }
    return Configuration(
        executable: .name("env"),
        arguments: Arguments(
            ChildCommand.writing(settings.wrapper + words, to: output.path, errors: errors.path)),
        environment: .custom(variables))
}
