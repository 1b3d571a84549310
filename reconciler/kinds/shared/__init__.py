"""What several kinds understand alike: containers, sizes, durations, images by name. Any kind may import it; it imports none."""
