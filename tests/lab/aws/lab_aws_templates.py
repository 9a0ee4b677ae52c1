"""Small templates for the tests of stacks."""

VPC = """
Parameters:
  Cidr: {Type: String, Default: 10.9.0.0/16}
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties:
      CidrBlock: !Ref Cidr
      Tags: [{Key: Name, Value: mine}]
Outputs:
  VpcId: {Value: !Ref Vpc}
"""

NETWORK = """
Parameters:
  Cidr: {Type: String, Default: 10.9.0.0/16}
  SubnetCidr: {Type: String, Default: 10.9.1.0/24}
  Port: {Type: Number, Default: 500}
  Description: {Type: String, Default: routers}
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties: {CidrBlock: !Ref Cidr}
  Subnet:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: !Ref SubnetCidr, AvailabilityZone: !Select [0, !GetAZs ""]}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: !Ref Description
      VpcId: !Ref Vpc
      SecurityGroupIngress:
        - {IpProtocol: udp, FromPort: !Ref Port, ToPort: !Ref Port, CidrIp: 192.0.2.1/32}
  Interface:
    Type: AWS::EC2::NetworkInterface
    Properties: {SubnetId: !Ref Subnet, GroupSet: [!Ref Group], SourceDestCheck: false}
Outputs:
  SubnetId: {Value: !Ref Subnet}
  GroupId: {Value: !GetAtt Group.GroupId}
  InterfaceId: {Value: !Ref Interface}
"""

# The subnet lies outside its VPC: the VPC is made, the subnet fails.
BROKEN = NETWORK.replace("Default: 10.9.1.0/24", "Default: 10.8.1.0/24")
