"""One run from its settings to its report; what runs share (campaigns, comparisons) builds on this."""
