/// One page of `GET /v2/campaigns`.
public struct CampaignPage: Sendable, Equatable {
    /// In the Market's order.
    public var campaigns: [Campaign]
    /// `nil` on the last page.
    public var nextPageToken: String?

    /// One shop of a cabinet.
    public struct Campaign: Sendable, Equatable {
        public var id: Int64
        /// The cabinet it belongs to.
        public var businessID: Int64?
        /// `FBS`, `FBY`, `DBS`, or what the vendor invents next.
        public var placementType: String?
        /// `AVAILABLE`, `DISABLED_BY_INACTIVITY`, or what the vendor invents next.
        public var apiAvailability: String?

        public init(id: Int64, businessID: Int64?, placementType: String?, apiAvailability: String?) {
            self.id = id
            self.businessID = businessID
            self.placementType = placementType
            self.apiAvailability = apiAvailability
        }
    }

    public init(campaigns: [Campaign], nextPageToken: String?) {
        self.campaigns = campaigns
        self.nextPageToken = nextPageToken
    }
}
