"""The Qlik Enterprise Manager REST API: client, wire parsing, and a simulator that speaks it."""
