"""What would the deserializer execute? Default deny."""
