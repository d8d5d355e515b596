/// A throwaway PostgreSQL cluster.
enum PrivatePostgres {}
