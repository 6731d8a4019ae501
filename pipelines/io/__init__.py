"""The only readers and writers: Spark session, Delta tables, the ledger, landing, MLflow and the outbox."""
