"""Pictures -> candidate pairs; Pairs -> Clusters with a keeper. Pure."""
