import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Sends one request and reads its answer within one deadline.
struct HTTPExchange: Sendable {
    let client: HTTPClient
    let eventLoopGroup: any EventLoopGroup
    let timeout: Duration

    struct Head: Sendable {
        var status: Int
        var headers: HTTPHeaders
    }

    enum Outcome: Sendable {
        case whole(body: [UInt8])
        /// There is more than ``HTTPMarketClient/maximumBodySize``; this is the beginning.
        case tooLarge(beginning: [UInt8])
        case failed(TransportFailure)
    }

    private enum Event: Sendable {
        case ended(Outcome, Head?)
        case deadline(hasPassed: Bool)
    }

    /// - Returns: how it went, and the head of the answer where it came that far.
    func run(_ request: HTTPClientRequest) async -> (outcome: Outcome, head: Head?) {
        if Task.isCancelled { return (.failed(.cancelled), nil) }
        return await withTaskGroup(of: Event.self) { group in
            group.addTask { await perform(request) }
            group.addTask { .deadline(hasPassed: await waitForDeadline()) }
            var result: (outcome: Outcome, head: Head?) = (.failed(.cancelled), nil)
            var isLate = false
            // Both are always awaited: an answer that comes together with the deadline is not thrown away.
            for await event in group {
                switch event {
                case .ended(let outcome, let head):
                    result = (outcome, head)
                    group.cancelAll()
                case .deadline(hasPassed: true):
                    isLate = true
                    group.cancelAll()
                case .deadline(hasPassed: false):
                    break
                }
            }
            if isLate, case .failed(.cancelled) = result.outcome, !Task.isCancelled {
                result.outcome = .failed(.timedOut)
            }
            return result
        }
    }

    private func perform(_ request: HTTPClientRequest) async -> Event {
        let response: HTTPClientResponse
        do {
            // The library's own deadline ends with the head of the answer; ours comes first.
            response = try await client.execute(request, deadline: .now() + TimeAmount(timeout) + .seconds(60))
        } catch {
            return .ended(.failed(TransportFailure(error)), nil)
        }
        let head = Head(status: Int(response.status.code), headers: response.headers)
        do {
            return .ended(try await collect(response.body), head)
        } catch {
            return .ended(.failed(TransportFailure(error)), head)
        }
    }

    private func collect(_ parts: HTTPClientResponse.Body) async throws -> Outcome {
        var body: [UInt8] = []
        for try await part in parts {
            let room = HTTPMarketClient.maximumBodySize - body.count
            body.append(contentsOf: part.readableBytesView.prefix(room))
            if part.readableBytes > room { return .tooLarge(beginning: body) }
        }
        return .whole(body: body)
    }

    /// Waits on a timer of the event loop: unlike a sleeping task's, it is gone when it is cancelled.
    ///
    /// - Returns: `false` where the wait was cancelled.
    private func waitForDeadline() async -> Bool {
        let timer = eventLoopGroup.any().scheduleTask(in: TimeAmount(timeout)) {}
        return await withTaskCancellationHandler {
            do {
                try await timer.futureResult.get()
                return true
            } catch {
                return false
            }
        } onCancel: {
            timer.cancel()
        }
    }
}
