"""SyncWell: one person's workouts, sleep, steps and weight, the same in every service they use."""
