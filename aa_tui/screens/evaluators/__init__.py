"""The places of evaluators: their list, one of them with its versions, and the editor with its trials."""
