"""The guard's decisions: to which artifact a file belongs, what the policy says; how it starts."""
