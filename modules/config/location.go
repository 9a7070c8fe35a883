package config

// Location is a point on Earth, in degrees.
type Location struct {
	// Latitude is north of the equator, -90 to 90. Required.
	Latitude float64 `mapstructure:"latitude" json:"latitude"`
	// Longitude is east of Greenwich, -180 to 180. Required.
	Longitude float64 `mapstructure:"longitude" json:"longitude"`
}
