/// An imitation of the Market.
enum MarketSandbox {}
