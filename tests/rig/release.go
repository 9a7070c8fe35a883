package rig

// K3sVersion is the K3s release that the mirror serves.
const K3sVersion = "v1.30.4+k3s1"

// Origins of a release.
const (
	OriginOfficial = "official release"
	OriginStandIn  = "stand-in"
)

// sumsFile lists the SHA-256 sums of the release's other files.
const sumsFile = "sha256sum-amd64.txt"

// releaseFiles are the files of a release.
var releaseFiles = []string{"k3s", "install.sh", "k3s-airgap-images-amd64.tar", sumsFile}
