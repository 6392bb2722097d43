"""What a production is rendered with: settings from defaults, profile, book and command line, one module a table."""
